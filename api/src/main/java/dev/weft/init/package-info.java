/**
 * Initial weights: an {@link dev.weft.init.Initializer} turns a logical shape into a {@link
 * dev.weft.init.Fill}, and a backend executes the fill.
 */
package dev.weft.init;
