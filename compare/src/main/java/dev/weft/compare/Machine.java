package dev.weft.compare;

import java.util.List;
import java.util.Map;

/**
 * What results were measured on.
 *
 * @param cpu the processor's name
 * @param processors that the JVM may use
 * @param clockHertz measured, not nominal; NaN where it was not measured
 * @param simd vector extensions that the system lists
 * @param caches for example {@code L1 data 48K, L2 unified 2048K}
 * @param memoryBytes physical memory; 0 where unknown
 * @param gpu name and driver of each device; empty where there is none
 * @param os the operating system
 * @param jdk the JVM's version and vendor
 * @param libraries versions by name: weft and those that it is compared with
 * @param load the load average when the run began; NaN where unknown
 */
public record Machine(
    String cpu,
    int processors,
    double clockHertz,
    List<String> simd,
    String caches,
    long memoryBytes,
    List<String> gpu,
    String os,
    String jdk,
    Map<String, String> libraries,
    double load) {}
