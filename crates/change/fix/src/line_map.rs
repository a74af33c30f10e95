use similar::{DiffOp, TextDiff};
use std::ops::RangeInclusive;

/// Where each line of a text went in another version of it. Lines are 1-based.
#[derive(Clone, Debug)]
pub struct LineMap {
    operations: Vec<DiffOp>,
}

impl LineMap {
    /// From `old` to `new`.
    #[must_use]
    pub fn between(old: &str, new: &str) -> Self {
        let old: Vec<&str> = old.split_inclusive('\n').collect();
        let new: Vec<&str> = new.split_inclusive('\n').collect();
        Self { operations: TextDiff::configure().diff_slices(&old, &new).ops().to_vec() }
    }

    /// The lines that stand in the new text where `line` stood: itself where it is unchanged or lies among lines of
    /// which each became one, otherwise all that those around it became. A deleted line leads to what took its place.
    #[must_use]
    pub fn lines_for(&self, line: u32) -> RangeInclusive<u32> {
        let index = line.saturating_sub(1) as usize;
        let holds = |operation: &&DiffOp| operation.old_range().contains(&index);
        let Some(operation) = self.operations.iter().find(holds) else { return line..=line };
        let new = operation.new_range();
        let old = operation.old_range();
        if old.len() == new.len() {
            let moved = number(new.start + index - old.start);
            return moved..=moved;
        }
        number(new.start)..=number(new.end.saturating_sub(1).max(new.start))
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index + 1).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_move_with_what_is_put_before_them() {
        let map = LineMap::between("a\nb\nc\n", "import io\na\nb\nc\n");
        assert_eq!(map.lines_for(2), 3..=3);
    }

    #[test]
    fn a_changed_line_leads_to_all_that_it_became() {
        let map = LineMap::between("a\nb\nc\n", "a\nB1\nB2\nc\n");
        assert_eq!(map.lines_for(2), 2..=3);
        assert_eq!(map.lines_for(3), 4..=4);
    }

    #[test]
    fn a_deleted_line_leads_to_what_took_its_place() {
        let map = LineMap::between("a\nb\nc\n", "a\nc\n");
        assert_eq!(map.lines_for(2), 2..=2);
    }

    #[test]
    fn a_line_beyond_the_end_stays() {
        assert_eq!(LineMap::between("a\n", "b\n").lines_for(9), 9..=9);
    }
}
