//! What the writer does with pointers and system calls. Everything here is called from inside allocation hooks: no
//! heap, no panic, `errno` as it was.

mod ahead;
mod errno;
mod file;
mod header;
mod nodes;
mod own_path;
mod segment;
mod words;

pub use ahead::Ahead;
pub use file::CaptureFile;
pub use header::HeaderPage;
pub use nodes::NodeTable;
pub use segment::Segment;
