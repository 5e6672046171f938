/** What a backend implements. A backend trusts its caller: every argument is checked before it. */
package dev.weft.spi;
