//! The memory of a process, as root sees it.

use std::fs;
use std::os::unix::fs::FileExt as _;

/// All that a process can have written to, mapping by mapping; nothing where this user may not look.
pub(crate) fn of(process: u32) -> Option<Vec<(String, Vec<u8>)>> {
    let memory = fs::File::open(format!("/proc/{process}/mem")).ok()?;
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).ok()?;
    let mut found = Vec::new();
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (range, access) = (words.next().unwrap(), words.next().unwrap());
        if !access.starts_with("rw") {
            continue;
        }
        let (from, to) = range.split_once('-').unwrap();
        let (from, to) = (address(from), address(to));
        let mut bytes = vec![0; usize::try_from(to - from).unwrap()];
        // Some are the kernel's own and cannot be read.
        if memory.read_exact_at(&mut bytes, from).is_ok() {
            found.push((words.nth(3).unwrap_or("anonymous").to_owned(), bytes));
        }
    }
    Some(found)
}

fn address(digits: &str) -> u64 {
    u64::from_str_radix(digits, 16).unwrap()
}
