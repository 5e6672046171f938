/**
 * What every backend owes, as abstract JUnit classes: a subclass says how its backend is opened.
 */
package dev.weft.testkit.contract;
