//! Configuration and profiles from files on disk, as `load` reads them.

mod config {
    mod built_in;
    mod device_errors;
    mod files;
    mod hostile;
    mod layers;
    mod profile_errors;
    mod shop;
}
