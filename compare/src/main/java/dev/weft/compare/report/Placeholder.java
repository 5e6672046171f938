package dev.weft.compare.report;

/** placeholder */
final class Placeholder {}
