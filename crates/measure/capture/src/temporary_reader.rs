use crate::cursor::Cursor;
use crate::layout::Temporary;

/// What was temporary of nodes, of which most have nothing.
#[derive(Default)]
pub struct TemporaryReader {
    is_there: bool,
    /// Items of the segments until now.
    count: usize,
    found: Vec<(u32, Temporary)>,
}

impl TemporaryReader {
    /// The next items.
    pub fn read(&mut self, items: &[u8]) {
        self.is_there = true;
        for encoded in items.chunks_exact(size_of::<Temporary>()) {
            let item = Cursor::at(encoded, 0).u64s();
            let item = item.map(|[bytes, blocks]| Temporary { bytes, blocks });
            let item = item.filter(|item| *item != Temporary::default());
            self.found.extend(u32::try_from(self.count).ok().zip(item));
            self.count += 1;
        }
    }

    /// By node id, of the first `count` nodes; `None` without segments.
    pub fn of_nodes(mut self, count: usize) -> Option<Vec<(u32, Temporary)>> {
        let end = self.found.partition_point(|(id, _)| (*id as usize) < count);
        self.found.truncate(end);
        self.is_there.then_some(self.found)
    }
}
