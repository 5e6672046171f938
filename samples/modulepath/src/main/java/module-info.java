/** A program that fills an array. It requires the API; a backend is found as a provider. */
module org.example.checksum {
  requires dev.weft;
}
