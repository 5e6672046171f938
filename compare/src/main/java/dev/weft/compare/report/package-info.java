/** Results as people look at them: a page, tables for documents, a list of what became slower. */
package dev.weft.compare.report;
