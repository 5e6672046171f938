package dev.weft.cpu.vector;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Marks a method of vectors in which {@link Inliner} casts every vector that a call returns to its
 * exact class: the constants {@code INTS}, {@code FLOATS} … of the class that is loaded. In a
 * method of that class it holds for the functions put into it as well.
 *
 * <p>The compiler resolves operations of abstract vectors one after the other, as it learns their
 * classes, and boxes for good a vector whose class it learns too late; how late depends on what ran
 * before. A cast tells it at once. It costs ten bytes of the eight thousand that a method may have.
 */
@Retention(RetentionPolicy.CLASS)
@Target(ElementType.METHOD)
@interface Exact {}
