/** What was measured and compared, as files hold it: {@link dev.weft.compare.Results}. */
package dev.weft.compare;
