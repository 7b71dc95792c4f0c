//! Values from the bytes of a fuzzer.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};

/// Takes values from the front of the bytes; past the end every value is zero or empty.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or(0)
    }

    pub fn u16(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    pub fn u32(&mut self) -> u32 {
        (u32::from(self.u16()) << 16) | u32::from(self.u16())
    }

    /// A count below 2^56, the largest that is ever saved.
    pub fn count(&mut self) -> u64 {
        let length = usize::from(self.byte() % 8);
        self.bytes(length).iter().fold(0, |count, &byte| (count << 8) | u64::from(byte))
    }

    /// At most that many bytes.
    pub fn bytes(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Text of at most 255 bytes before the replacement of what is not UTF-8.
    pub fn text(&mut self) -> String {
        let length = usize::from(self.byte());
        String::from_utf8_lossy(self.bytes(length)).into_owned()
    }

    /// Everything that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        self.bytes(usize::MAX)
    }
}

/// A directory of this thread, removed when the thread ends.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let thread = format!("{:?}", std::thread::current().id()).replace(['(', ')'], "-");
        let path = std::env::temp_dir().join(format!("meshping-fuzz-{}-{thread}", std::process::id()));
        fs::create_dir_all(&path).expect("the directory for temporary files is writable");
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // It is in the directory for temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

thread_local! {
    static DIRECTORY: RefCell<Option<Directory>> = const { RefCell::new(None) };
}

/// Calls `check` with the path of a file of that content.
pub fn with_file<T>(name: &str, content: &[u8], check: impl FnOnce(&Path) -> T) -> T {
    let directory = DIRECTORY.with_borrow_mut(|slot| slot.get_or_insert_with(Directory::new).0.clone());
    let path = directory.join(name);
    fs::write(&path, content).expect("the directory for temporary files is writable");
    check(&path)
}

/// Whether a terminal would show the text as it is: no control characters but line breaks.
pub fn is_printable(text: &str) -> bool {
    text.chars().all(|c| c == '\n' || !c.is_control())
}
