/**
 * What Talos up to 1.4 sends once when it shuts down, instead of nothing (facts/talos-client.md section 5.1): no line of
 * the kernel, although it has the number of one.
 */
export const ZERO_RECORD =
  '{"clock":0,"facility":"kern","msg":"","priority":"emerg","seq":0,"talos-level":"error","talos-time":"0001-01-01T00:00:00Z"}';
