package dev.weft.cpu.vector;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Marks a static function of vectors that {@link Inliner} puts in the place of its calls, so that
 * no vector is ever boxed. It takes species as arguments: they are constants of its caller.
 */
@Retention(RetentionPolicy.CLASS)
@Target(ElementType.METHOD)
@interface Inlined {}
