//! Claims: who owns a device, and who hears it then.
