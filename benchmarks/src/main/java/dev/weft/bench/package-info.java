/** JMH suites. */
package dev.weft.bench;
