// fake_nothing.cpp — a library of another kind.
extern "C" int weft_nothing() { return 0; }
