//! A store whose files were changed in any way, opened again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runcycles_authority_fuzz::{recovery, write_seeds};

fuzz_target!(init: write_seeds(recovery::seeds), |data: &[u8]| recovery::run(data));
