#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| smaudit_fuzz::slim(data));
