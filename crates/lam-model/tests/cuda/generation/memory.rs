//! The device's memory: pages that go back, and what happens when there is none left.

use lam_model::Finetuning;
use lam_signal::{Fault, FaultKind};

use super::{KIND, assert_close, last, on, on_cpu, tokens, whole};
use crate::models::device_of;

pub fn pages_are_given_back() {
    let device = device_of(64);
    let decoder = on(&device, &on_cpu(KIND, &Finetuning::Frozen));
    let mut cache = decoder.new_cache(3).unwrap();
    cache.decode(&[(0, &[1])]).unwrap();
    cache.truncate(0, 0);
    let empty = device.used();
    // Two layers, keys and values of two heads of 64 in bf16, for 64 positions.
    let page = 2 * 2 * 2 * 64 * 2 * 64;
    cache.decode(&[(0, &tokens(130, 1))]).unwrap();
    assert_eq!(device.used(), empty + 3 * page);
    cache.copy_prefix(0, 1, 100);
    cache.copy_prefix(0, 2, 64);
    assert_eq!(device.used(), empty + 3 * page, "a prefix is held once");
    cache.decode(&[(1, &[1]), (2, &[1])]).unwrap();
    assert_eq!(device.used(), empty + 5 * page, "a page of its own each");
    cache.truncate(0, 0);
    assert_eq!(device.used(), empty + 3 * page, "the first is shared, the second was copied");
    let sibling = cache.sibling(2);
    drop(cache);
    assert!(device.used() < empty, "and the table of rotations");
    drop(sibling);
}

pub fn a_full_device_leaves_the_cache_as_it_was() {
    let device = device_of(3);
    let decoder = on(&device, &on_cpu(KIND, &Finetuning::Frozen));
    let mut cache = decoder.new_cache(2).unwrap();
    let a = tokens(90, 1);
    cache.decode(&[(0, &a[..80])]).unwrap();
    let used = device.used();
    let long = tokens(3000, 2);
    let error = cache.decode(&[(0, &[1]), (1, &long)]).unwrap_err();
    let text = error.to_string();
    assert_eq!(error.kind(), FaultKind::Runtime);
    assert!(text.contains("keys and values of 3000 more tokens") && text.contains("slots hold 2 pages"), "{text}");
    assert_eq!((cache.length(0), cache.length(1), device.used()), (80, 0, used));
    let found = cache.decode(&[(0, &a[80..])]).unwrap();
    assert_close(&found, last(&whole(&decoder, &a)), "it goes on");
}
