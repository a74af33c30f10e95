//! Edits against a slow and obvious way to make them.

use lowtide_source::{TextEdit, apply_edits};
use proptest::prelude::*;

fn any_edits() -> impl Strategy<Value = Vec<TextEdit>> {
    let any_edit = (0_u32..40, 0_u32..40, ".{0,4}").prop_map(|(start, end, text)| TextEdit {
        start,
        end,
        text,
    });
    proptest::collection::vec(any_edit, 0..6)
}

/// Character by character, without a slice.
fn edited_slowly(text: &str, edits: &[TextEdit]) -> String {
    let inserted_at = |at: usize| {
        edits.iter().filter(move |edit| edit.start as usize == at).map(|edit| edit.text.as_str())
    };
    let replaced =
        |at: usize| edits.iter().any(|edit| (edit.start as usize..edit.end as usize).contains(&at));
    let mut edited = String::new();
    for (at, character) in text.char_indices() {
        edited.extend(inserted_at(at));
        if !replaced(at) {
            edited.push(character);
        }
    }
    edited.extend(inserted_at(text.len()));
    edited
}

proptest! {
    #[test]
    fn no_edit_list_panics_and_accepted_ones_match_the_slow_way(
        text in "[aä\n]{0,30}",
        edits in any_edits(),
    ) {
        if let Some(edited) = apply_edits(&text, &edits) {
            prop_assert_eq!(edited, edited_slowly(&text, &edits));
        }
    }

    #[test]
    fn sorted_disjoint_edits_are_always_accepted(
        text in "[a-z\n]{24,40}",
        cuts in proptest::collection::btree_set(0_u32..24, 0..12),
    ) {
        let cuts: Vec<u32> = cuts.into_iter().collect();
        let edits: Vec<TextEdit> = cuts
            .chunks_exact(2)
            .map(|pair| TextEdit { start: pair[0], end: pair[1], text: "+".to_owned() })
            .collect();
        prop_assert_eq!(apply_edits(&text, &edits), Some(edited_slowly(&text, &edits)));
    }
}
