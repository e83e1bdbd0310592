//! umockdev's test bed: a sysfs, a udev and device nodes that no machine has.
//!
//! It works by a preloaded library, so a test that uses it runs in a process of its own: the test
//! program again, with one ignored test ([`run_apart`]). Where umockdev is not installed the test says
//! so and passes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test's helpers fail by panicking"
)]

use std::ffi::{CStr, CString, c_char, c_void};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::libc;

/// The library to preload.
pub const PRELOAD: &str = "libumockdev-preload.so.0";

/// Runs one ignored test of this program in another process, which the command begins.
pub fn run_apart(mut command: Command, name: &str) {
    let output = command
        .args(["--ignored", "--exact", "--nocapture", name])
        .output()
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name} failed");
    assert!(text.contains("1 passed"), "{name} did not run");
}

/// umockdev's test bed, loaded at run time so that this program links without it.
pub struct Testbed {
    library: *mut c_void,
    testbed: *mut c_void,
}

type New = unsafe extern "C" fn() -> *mut c_void;
type AddDevice = unsafe extern "C" fn(
    *mut c_void,
    *const c_char,
    *const c_char,
    *const c_char,
    *const *const c_char,
    *const *const c_char,
) -> *const c_char;
type Uevent = unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char);
type RemoveDevice = unsafe extern "C" fn(*mut c_void, *const c_char);

#[expect(unsafe_code, reason = "umockdev is a C library")]
impl Testbed {
    /// A test bed, for the one process that has the library preloaded; `None` where it is not
    /// installed.
    pub fn new() -> Option<Self> {
        // SAFETY: loading it runs no code but its own initialisation.
        let library = unsafe { libc::dlopen(c"libumockdev.so.0".as_ptr(), libc::RTLD_NOW) };
        if library.is_null() {
            return None;
        }
        let mut testbed = Self { library, testbed: std::ptr::null_mut() };
        // SAFETY: the signatures here and below are those of umockdev.h.
        testbed.testbed = unsafe { testbed.function::<New>(c"umockdev_testbed_new")() };
        Some(testbed)
    }

    /// # Safety
    ///
    /// `F` is the type of that function.
    unsafe fn function<F: Copy>(&self, name: &CStr) -> F {
        // SAFETY: the library stays loaded; a function pointer is what dlsym gives.
        unsafe {
            let symbol = libc::dlsym(self.library, name.as_ptr());
            assert!(!symbol.is_null(), "libumockdev has no {name:?}");
            std::mem::transmute_copy(&symbol)
        }
    }

    /// Where the test bed's files are.
    pub fn root() -> PathBuf {
        std::env::var_os("UMOCKDEV_DIR").expect("the test bed sets it").into()
    }

    /// Adds a device and tells udev's listeners; gives its path in sysfs.
    pub fn add(
        &self,
        subsystem: &str,
        name: &str,
        parent: Option<&CString>,
        attributes: &[&str],
        properties: &[&str],
    ) -> CString {
        let path = self.add_silently(subsystem, name, parent, attributes, properties);
        self.tell(&path, c"add");
        path
    }

    /// Adds a device; gives its path in sysfs.
    pub fn add_silently(
        &self,
        subsystem: &str,
        name: &str,
        parent: Option<&CString>,
        attributes: &[&str],
        properties: &[&str],
    ) -> CString {
        let text = |text: &&str| CString::new(*text).expect("no NUL");
        let (subsystem, name) = (text(&subsystem), text(&name));
        let attributes: Vec<_> = attributes.iter().map(text).collect();
        let properties: Vec<_> = properties.iter().map(text).collect();
        let list = |of: &[CString]| -> Vec<*const c_char> {
            of.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect()
        };
        let parent = parent.map_or(std::ptr::null(), |parent| parent.as_ptr());
        // SAFETY: all strings and the NULL-ended lists of them outlive the call, which copies them; the
        // path returned is copied here.
        unsafe {
            let path = self.function::<AddDevice>(c"umockdev_testbed_add_devicev")(
                self.testbed,
                subsystem.as_ptr(),
                name.as_ptr(),
                parent,
                list(&attributes).as_ptr(),
                list(&properties).as_ptr(),
            );
            assert!(!path.is_null(), "umockdev refused {name:?}");
            CStr::from_ptr(path).to_owned()
        }
    }

    /// Tells udev's listeners something of a device.
    pub fn tell(&self, path: &CStr, action: &CStr) {
        // SAFETY: both strings outlive the call.
        unsafe {
            self.function::<Uevent>(c"umockdev_testbed_uevent")(
                self.testbed,
                path.as_ptr(),
                action.as_ptr(),
            );
        }
    }

    /// Tells udev's listeners that a device is gone, and takes it away.
    pub fn remove(&self, path: &CStr) {
        self.tell(path, c"remove");
        self.remove_silently(path);
    }

    /// Takes a device away.
    pub fn remove_silently(&self, path: &CStr) {
        // SAFETY: the string outlives the call.
        unsafe {
            self.function::<RemoveDevice>(c"umockdev_testbed_remove_device")(
                self.testbed,
                path.as_ptr(),
            );
        }
    }

    /// A file of a device, with bytes that are no text.
    pub fn write(path: &CStr, name: &str, bytes: &[u8]) {
        let path = path.to_str().expect("sysfs has plain names").trim_start_matches('/');
        std::fs::write(Self::root().join(Path::new(path)).join(name), bytes).unwrap();
    }
}
