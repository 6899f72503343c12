//! What the fuzz targets do with their input, and the inputs that they start from.

use std::path::Path;

pub mod caller;
pub mod recovery;
pub mod requests;

/// Writes the inputs that a target starts from to the directory that `CYCLES_FUZZ_SEEDS` names, if it names one.
///
/// # Panics
///
/// Where the directory cannot be written.
pub fn write_seeds(seeds: impl FnOnce() -> Vec<Vec<u8>>) {
    let Some(dir) = std::env::var_os("CYCLES_FUZZ_SEEDS") else { return };
    std::fs::create_dir_all(&dir).expect("a directory");
    for (number, seed) in seeds().into_iter().enumerate() {
        std::fs::write(Path::new(&dir).join(format!("seed-{number:03}")), seed).expect("a file");
    }
}
