/** Shared by weft's own modules; no part of the public API. */
package dev.weft.internal;
