//! One file per format: returns text, never prints.
//!
//! In: profiles, findings, proofs, and a [`Page`] to lay text out on. Out: text, with colours that whoever prints it may
//! strip. Never: reads files, looks at the terminal, judges.
//!
//! ```
//! use lowtide_report::{Page, findings_text};
//! let page = Page { width: 80, folder: "/project".into(), source: &|_file, _line| None };
//! assert_eq!(findings_text(&[], false, &page), "0 findings\n");
//! ```

mod command_line;
mod diff_text;
mod estimated;
mod figures;
mod findings_json;
mod findings_text;
mod json;
mod markdown_table;
mod page;
mod paragraph;
mod peak_lines;
mod peak_native;
mod peak_text;
mod peak_types;
mod process_name;
mod processes;
mod proof_json;
mod proof_text;
mod resident;
mod resident_json;
mod rule_list;
mod rule_page;
mod run_json;
mod run_notes;
mod run_summary;
mod run_text;
mod signal;
mod slim_json;
mod slim_text;
mod stacks_json;
mod style;
mod table;
mod text;

pub use command_line::command_line;
pub use diff_text::diff_text;
pub use findings_json::findings_json;
pub use findings_text::findings_text;
pub use page::Page;
pub use peak_text::PeakText;
pub use proof_json::proof_json;
pub use proof_text::proof_text;
pub use rule_list::rule_list;
pub use rule_page::rule_page;
pub use run_json::run_json;
pub use run_summary::RunSummary;
pub use run_text::run_text;
pub use signal::signal_name;
pub use slim_json::slim_json;
pub use slim_text::slim_text;
