//! Where the lines are read and used, and what stands in the way of reading them as they are used.

use super::read::{Way, WholeRead};
use crate::Blocker;
use crate::consumer::Consumer;
use crate::lt102_list_used_once::built::{Built, sibling_holding};
use crate::lt102_list_used_once::later::Postponed;
use crate::opened_file::{NotOpened, opened};
use lowtide_source::ast::{AnyNodeRef, Stmt, StmtWith};
use lowtide_source::{Effector, Effects, Module, ModuleId, Project, Ranged, Site};

/// Errors of opening a file; reading lines from an open one raises others.
const OPENING_ERRORS: [&str; 5] = [
    "FileNotFoundError",
    "PermissionError",
    "IsADirectoryError",
    "NotADirectoryError",
    "FileExistsError",
];

pub(super) struct Setting<'p, 'a> {
    pub project: &'p Project<'a>,
    pub id: ModuleId,
    pub read: &'p WholeRead<'a>,
    pub built: &'p Built<'a>,
    pub consumer: &'p Consumer<'a>,
}

/// How the reading and the use stand to each other.
pub(super) enum Place<'a> {
    /// In one expression.
    Direct,
    /// In one block: the statements after the reading up to the one that uses the lines.
    SameBlock(&'a [Stmt]),
    /// The use stands after the `with` that closes the file: these statements have to move into it.
    AfterWith { with: &'a StmtWith, rest: &'a [Stmt], moved: &'a [Stmt] },
    /// Anywhere else.
    Elsewhere,
}

impl<'a> Setting<'_, 'a> {
    pub fn blocker(
        &self,
        name: &'static str,
        node: impl Ranged,
        reason: impl Into<String>,
    ) -> Blocker {
        Blocker { name, reason: reason.into(), line: self.module().file().line_of(node.start()) }
    }

    pub fn module(&self) -> &Module<'a> {
        self.project.module(self.id)
    }

    /// Every fact that forbids to read the lines one by one.
    pub fn blockers(&self) -> Vec<Blocker> {
        let mut blockers: Vec<Blocker> = self.of_the_file().into_iter().collect();
        let Some(stretch) = self.stretch() else {
            blockers.push(self.blocker(
                "used-elsewhere",
                self.consumer.code,
                "the lines are used where the file may be closed",
            ));
            return blockers;
        };
        blockers.extend(self.other_uses_of_the_file());
        blockers.extend(self.kept_open());
        let items = self.effects_of_reading();
        let meanwhile =
            Effector::of(self.project).of_nodes_without(self.id, &stretch, Some(self.built.list));
        let postponed = Postponed {
            project: self.project,
            id: self.id,
            built: self.built,
            consumer: self.consumer,
        };
        blockers.extend(postponed.taking_turns(&items, &meanwhile));
        blockers.extend(postponed.caught_elsewhere(&items, &OPENING_ERRORS));
        blockers
    }

    fn of_the_file(&self) -> Option<Blocker> {
        let found = |name, reason: &str| Some(self.blocker(name, self.built.list, reason));
        match (self.read.origin, self.read.way) {
            (Err(NotOpened::Pipe), _) => found(
                "reads-a-pipe",
                "whoever writes to the pipe may wait for an answer to its last line",
            ),
            (Err(NotOpened::Unknown), _) => {
                found("unknown-file", "nothing tells that this is an ordinary file")
            }
            (_, Way::SplitWhole) => {
                found("newline-semantics", "an empty last part tells how the file ends")
            }
            (Ok(file), Way::SplitEach(_)) if !file.ends_lines_as_splitlines_does() => {
                found("newline-semantics", "the file's line ends are not those of `splitlines`")
            }
            _ => None,
        }
    }

    /// Where the use stands as seen from the reading.
    pub fn place(&self) -> Place<'a> {
        let Some(binding) = &self.built.binding else { return Place::Direct };
        let Some((block, made)) = self.module().block_of(binding.statement) else {
            return Place::Elsewhere;
        };
        if let Some(used) = sibling_holding(block, self.consumer.code)
            && used > made
        {
            return Place::SameBlock(&block[made + 1..=used]);
        }
        let Some(AnyNodeRef::StmtWith(with)) = self.module().parent(binding.statement) else {
            return Place::Elsewhere;
        };
        let Some((outer, place)) = self.module().block_of(with.into()) else {
            return Place::Elsewhere;
        };
        match sibling_holding(outer, self.consumer.code) {
            Some(used) if used > place => {
                Place::AfterWith { with, rest: &block[made + 1..], moved: &outer[place + 1..=used] }
            }
            _ => Place::Elsewhere,
        }
    }

    /// The code that runs from the reading to the end of the use.
    fn stretch(&self) -> Option<Vec<AnyNodeRef<'a>>> {
        match self.place() {
            Place::Direct => Some(vec![self.consumer.code]),
            Place::SameBlock(statements) => Some(statements.iter().map(AnyNodeRef::from).collect()),
            Place::AfterWith { rest, moved, .. } => {
                Some(rest.iter().chain(moved).map(AnyNodeRef::from).collect())
            }
            Place::Elsewhere => None,
        }
    }

    /// The position of the file matters to whoever uses it while the lines are read, or after they were read in part.
    fn other_uses_of_the_file(&self) -> Vec<Blocker> {
        let Some(name) = self.read.file.as_name_expr() else { return Vec::new() };
        let module = self.module();
        let Some(variable) = module.variable_of(name) else { return Vec::new() };
        let mut blockers = Vec::new();
        if let Some(capture) = module.capture_of(variable) {
            blockers.push(self.blocker(
                "captured",
                capture.range,
                format!("`{}` is used by code that runs at another time", name.id),
            ));
        }
        let end = self.consumer.code.end();
        let later = module
            .references(variable)
            .filter(|reference| reference.range.start() >= self.read.call.end());
        for reference in later {
            if reference.range.start() < end {
                blockers.push(self.blocker(
                    "other-use-of-file",
                    reference.range,
                    format!("`{}` is used while its lines are read", name.id),
                ));
            } else if reference.access.reads()
                && self.consumer.may_stop.is_some()
                && !self.only_closes(reference.node)
            {
                blockers.push(self.blocker(
                    "read-after-break",
                    reference.range,
                    format!("`{}` is used after the loop may have left it half-read", name.id),
                ));
            }
        }
        blockers
    }

    /// `file.close()`
    fn only_closes(&self, file: AnyNodeRef<'a>) -> bool {
        matches!(self.module().parent(file), Some(AnyNodeRef::ExprAttribute(method)) if matches!(method.attr.as_str(), "close" | "name" | "closed"))
    }

    /// What else the `with` holds would now be held until the lines are used.
    fn kept_open(&self) -> Option<Blocker> {
        let Place::AfterWith { with, .. } = self.place() else { return None };
        let harmless = |item: &'a lowtide_source::ast::WithItem| {
            opened(self.project, self.id, &item.context_expr).is_ok_and(|file| file.is_read_only())
        };
        let is_files =
            self.read.origin.is_ok_and(|file| file.with.is_some_and(|own| std::ptr::eq(own, with)));
        if !is_files {
            return Some(self.blocker(
                "used-elsewhere",
                with,
                "the lines are used after this block, which does not close the file",
            ));
        }
        let other = with.items.iter().find(|item| !harmless(item))?;
        Some(self.blocker("with-holds-more", other, "this would be held until the lines are used"))
    }

    /// Reading a line looks at the file and may not be able to decode it. It moves the file's position as well: who
    /// cares about that is found by [`Self::other_uses_of_the_file`].
    fn effects_of_reading(&self) -> Effects {
        let mut effects = Effector::of(self.project).of_iterating(self.id, self.read.file);
        effects.writes.retain(|place, _| !matches!(place, lowtide_source::Place::Content(_)));
        let line = self.module().file().line_of(self.read.call.start());
        effects.may_raise = Some(Site { module: self.id, line });
        effects
    }
}
