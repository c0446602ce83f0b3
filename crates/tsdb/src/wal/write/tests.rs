//! Full disks, failed syncs, segment ends.
