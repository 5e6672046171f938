package dev.weft.cpu.vector;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeElement;
import java.lang.classfile.Instruction;
import java.lang.classfile.MethodModel;
import java.lang.classfile.instruction.FieldInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InlinerTest {
  /** What a class of kernels offers its callers. */
  interface Sums {
    long of(int a, long b, double c, String d);
  }

  /** Functions of another class, as kernels use them. */
  static final class Functions {
    private Functions() {}

    @Inlined
    static int absolute(int x) {
      if (x < 0) {
        return -x;
      }
      return x;
    }

    @Inlined
    static long power(long base, int exponent) {
      long result = 1;
      for (int i = 0; i < exponent; i++) {
        result *= base;
      }
      return result;
    }

    @Inlined
    static void add(long[] sum, long x) {
      if (x == 0) {
        return;
      }
      sum[0] += x;
    }

    static int ordinary(int x) {
      return x + 1;
    }
  }

  /** A kernel that calls them in every position. */
  static final class Template implements Sums {
    static final Class<?> DATA =
        VectorWidth.data(java.lang.invoke.MethodHandles.lookup(), Class.class);

    Template() {}

    @Override
    public long of(int a, long b, double c, String d) {
      long[] sum = new long[1];
      for (int i = 0; i < 3; i++) {
        Functions.add(sum, nested(a - i, b));
      }
      // with other values on the stack, before and after
      return sum[0]
          + 2 * Functions.absolute(a)
          + (long) (c * Functions.power(b, d.length()))
          + Functions.ordinary(a)
          + Functions.absolute(Functions.absolute(a) - 5);
    }

    @Inlined
    static long nested(int x, long y) {
      return x > 0 ? Functions.power(y, Functions.absolute(x)) : Functions.absolute(x);
    }
  }

  private static long expected(int a, long b, double c, String d) {
    long sum = 0;
    for (int i = 0; i < 3; i++) {
      int x = a - i;
      sum += x > 0 ? (long) Math.pow(b, x) : Math.abs(x);
    }
    return sum
        + 2 * Math.abs(a)
        + (long) (c * (long) Math.pow(b, d.length()))
        + a
        + 1
        + Math.abs(Math.abs(a) - 5);
  }

  @Test
  void aLoadedClassComputesTheSame() {
    Sums loaded = VectorWidth.load(Sums.class, Template.class, String.class);
    for (int a = -7; a <= 7; a++) {
      for (long b = 0; b <= 3; b++) {
        assertThat(loaded.of(a, b, 1.5, "abc")).isEqualTo(expected(a, b, 1.5, "abc"));
      }
    }
  }

  @Test
  void noCallOfAnInlinedFunctionIsLeftAndAllOthersAre() {
    ClassModel model = ClassFile.of().parse(Inliner.classFile(Template.class));
    List<String> calls = new ArrayList<>();
    for (MethodModel method : model.methods()) {
      assertThat(method.methodName().stringValue()).isNotEqualTo("nested");
      method
          .code()
          .ifPresent(
              code ->
                  code.forEach(
                      element -> {
                        if (element instanceof InvokeInstruction call) {
                          calls.add(call.name().stringValue());
                        }
                      }));
    }
    assertThat(calls).contains("ordinary").doesNotContain("nested", "absolute", "power", "add");
  }

  @Test
  void eachLoadIsAClassOfItsOwnWithItsData() throws ReflectiveOperationException {
    Sums one = VectorWidth.load(Sums.class, Template.class, String.class);
    Sums two = VectorWidth.load(Sums.class, Template.class, Long.class);
    assertThat(one.getClass()).isNotSameAs(two.getClass());
    assertThat(one.getClass().getDeclaredField("DATA").get(null)).isEqualTo(String.class);
    assertThat(two.getClass().getDeclaredField("DATA").get(null)).isEqualTo(Long.class);
  }

  @Test
  void everyVectorOfAnExactMethodIsCast() {
    List<String> methods = new ArrayList<>();
    for (MethodModel method : ClassFile.of().parse(Inliner.classFile(WordVector.class)).methods()) {
      String name = method.methodName().stringValue();
      if (method.code().isEmpty() || name.equals("<clinit>")) {
        continue;
      }
      boolean vector = false;
      for (CodeElement element : method.code().get()) {
        if (vector && element instanceof Instruction) {
          assertThat(element).as(name).isInstanceOf(FieldInstruction.class);
          methods.add(name);
        }
        vector =
            element instanceof InvokeInstruction call
                && call.typeSymbol()
                    .returnType()
                    .displayName()
                    .matches("(Byte|Short|Int|Long|Float|Double)Vector");
      }
    }
    assertThat(methods).contains("uniform", "radius", "turn", "middle", "tail", "elements");
  }

  @Test
  void theLoopsOfTheKernelsAreSmallEnoughToBeCompiled() {
    for (Class<?> template :
        List.of(
            StreamVector.class,
            WordVector.class,
            ActivationF32Vector.class,
            ActivationF64Vector.class,
            RowF32Vector.class,
            RowF64Vector.class)) {
      ClassFile.of()
          .parse(Inliner.classFile(template))
          .methods()
          .forEach(
              method ->
                  method
                      .code()
                      .ifPresent(
                          code ->
                              assertThat(
                                      ((java.lang.classfile.attribute.CodeAttribute) code)
                                          .codeLength())
                                  .as("%s.%s", template.getSimpleName(), method.methodName())
                                  .isLessThan(8000))); // HotSpot's HugeMethodLimit
    }
  }

  /**
   * Micro-kernels are compiled by themselves, so those that read or write segments must say of
   * which class these are: otherwise a JVM that has used others spills every sum
   * (docs/performance.md).
   */
  @ParameterizedTest
  @ValueSource(classes = {MicroF32Vector.class, MicroF64Vector.class})
  void microKernelsKnowTheirSegments(Class<?> kernels) {
    List<String> casting = new ArrayList<>();
    for (MethodModel method : ClassFile.of().parse(Inliner.classFile(kernels)).methods()) {
      long casts =
          method.code().stream()
              .flatMap(code -> code.elementStream())
              .filter(
                  element ->
                      element instanceof InvokeInstruction call
                          && call.owner().asInternalName().equals("java/lang/Class")
                          && call.name().equalsString("cast"))
              .count();
      if (casts == 2) { // of b and of c
        casting.add(method.methodName().stringValue());
      }
    }
    assertThat(casting).containsExactlyInAnyOrder("micro13x2v", "micro8x2v", "micro4x2v");
  }
}
