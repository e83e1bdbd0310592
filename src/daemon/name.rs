//! Names of devices and the object paths made of them.

use std::fmt::Write as _;

/// The root object.
pub const ROOT: &str = "/org/tillbus1";

/// The object path of a device of this name: every byte outside `[A-Za-z0-9]` as `_xx`, a leading
/// digit too, the empty name as `_`. The encoding is sd-bus's, so its tools decode it.
#[must_use]
pub fn device_path(name: &str) -> String {
    let mut path = format!("{ROOT}/device/");
    if name.is_empty() {
        path.push('_');
    }
    for (index, byte) in name.bytes().enumerate() {
        let plain = byte.is_ascii_alphabetic() || (byte.is_ascii_digit() && index > 0);
        if plain {
            path.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(path, "_{byte:02x}");
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_path_elements_as_sd_bus_encodes_them() {
        let table = [
            ("lane1box", "lane1box"),
            ("lane1-box", "lane1_2dbox"),
            ("1st", "_31st"),
            ("", "_"),
            ("a_b", "a_5fb"),
            ("größe", "gr_c3_b6_c3_9fe"),
        ];
        for (name, element) in table {
            assert_eq!(device_path(name), format!("/org/tillbus1/device/{element}"));
        }
    }
}
