//! Requests of any kind, through the router and without a socket.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runcycles_authority_fuzz::{requests, write_seeds};

fuzz_target!(init: write_seeds(requests::seeds), |data: &[u8]| requests::run(data));
