//! The `parfocal` program.
fn main() {}
