//! Finds the statements in a row during which a name only grows.

use super::addition::Addition;
use super::evidence::Bytes;
use super::subject::{Mention, Subject};
use lowtide_source::ast::{AnyNodeRef, Expr, Stmt};
use lowtide_source::{Access, Module, ModuleId, Ranged, TextRange};

/// Statements of one block from the first that may add to the subject to the last.
#[derive(Debug)]
pub(super) struct Stretch<'a> {
    pub subject: Subject<'a>,
    /// The block in which the stretch stands.
    pub block: &'a [Stmt],
    /// Places in the block: of the statement after the start, and of the last addition.
    pub first: usize,
    pub last: usize,
    pub start: Start<'a>,
    pub additions: Vec<Addition<'a>>,
    /// Reads in `return` statements, which end the stretch.
    pub exits: Vec<TextRange>,
    /// What else is done with the subject meanwhile.
    pub offences: Vec<Mention<'a>>,
}

/// What the subject holds when the stretch begins.
#[derive(Clone, Copy, Debug)]
pub(super) enum Start<'a> {
    /// A statement just before sets it to these bytes.
    Set { statement: &'a Stmt, value: &'a Expr },
    /// Bytes from before.
    Held,
}

impl Stretch<'_> {
    pub fn range(&self) -> TextRange {
        TextRange::new(self.block[self.first].start(), self.block[self.last].end())
    }
}

/// Looks for stretches in one module.
pub(super) struct Finder<'p, 'a> {
    pub module: &'p Module<'a>,
    pub id: ModuleId,
    pub bytes: Bytes<'p, 'a>,
}

impl<'a> Finder<'_, 'a> {
    /// All stretches with an addition in a loop, in source order.
    pub fn stretches(&self) -> Vec<Stretch<'a>> {
        let mut found: Vec<Stretch<'a>> = Vec::new();
        for addition in self.module.nodes().filter_map(Addition::of) {
            let Some(subject) = Subject::of(self.module, &addition) else { continue };
            let is_new = |stretch: &Stretch<'a>| {
                !(stretch.subject == subject
                    && stretch.range().contains_range(addition.statement.range()))
            };
            if found.iter().all(is_new) {
                found.extend(self.stretch_around(subject, &addition));
            }
        }
        found
    }

    /// The stretch from the innermost start whose loop holds the addition.
    fn stretch_around(&self, subject: Subject<'a>, addition: &Addition<'a>) -> Option<Stretch<'a>> {
        let mentions = subject.mentions(self.module);
        let around =
            std::iter::once(addition.statement).chain(self.module.ancestors(addition.statement));
        let own_frame =
            around.take_while(|node| !node.is_stmt_function_def() && !node.is_mod_module());
        let mut outermost_loop = None;
        for statement in own_frame.filter(|node| node.is_statement()) {
            if is_loop(statement) {
                outermost_loop = Some(statement);
            }
            if outermost_loop.is_none() {
                continue;
            }
            let (block, place) = self.module.block_of(statement)?;
            if let Some((set_at, value)) = self.start_before(&subject, &mentions, &block[..place]) {
                let start = Start::Set { statement: &block[set_at], value };
                return Some(self.stretch_from(
                    subject,
                    &mentions,
                    (block, set_at + 1, place),
                    start,
                ));
            }
        }
        let (block, place) = self.module.block_of(outermost_loop?)?;
        let is_held = self.is_always_bytes(&subject, &mentions);
        is_held.then(|| self.stretch_from(subject, &mentions, (block, place, place), Start::Held))
    }

    /// The last statement of `before` that sets the subject to bytes, if nothing but additions follow it.
    fn start_before(
        &self,
        subject: &Subject<'a>,
        mentions: &[Mention<'a>],
        before: &'a [Stmt],
    ) -> Option<(usize, &'a Expr)> {
        for (place, statement) in before.iter().enumerate().rev() {
            let inside: Vec<_> = mentions
                .iter()
                .filter(|mention| statement.range().contains_range(mention.range))
                .collect();
            if let Some(value) = value_set(statement)
                && let [mention] = inside[..]
                && mention.access == Access::Store
                && mention.range.start() == statement.start()
                && self.names_subject(subject, mention)
            {
                return self.bytes.exactly().is_bytes(self.id, value).then_some((place, value));
            }
            let additions = self.additions_in(subject, std::slice::from_ref(statement));
            if !inside.iter().all(|mention| is_part_of_one(&additions, mention)) {
                return None;
            }
        }
        None
    }

    fn stretch_from(
        &self,
        subject: Subject<'a>,
        mentions: &[Mention<'a>],
        (block, first, looped): (&'a [Stmt], usize, usize),
        start: Start<'a>,
    ) -> Stretch<'a> {
        let last = self.last_addition(&subject, mentions, block, looped);
        let range = TextRange::new(block[first].start(), block[last].end());
        let additions = self.additions_in(&subject, &block[first..=last]);
        let others = mentions.iter().filter(|mention| {
            range.contains_range(mention.range) && !is_part_of_one(&additions, mention)
        });
        let (exits, offences): (Vec<_>, Vec<_>) =
            others.copied().partition(|mention| self.is_exit(&subject, mention));
        let exits = exits.iter().map(|mention| mention.range).collect();
        Stretch { subject, block, first, last, start, additions, exits, offences }
    }

    /// The last statement from `looped` on that adds, with nothing else done to the subject on the way.
    fn last_addition(
        &self,
        subject: &Subject<'a>,
        mentions: &[Mention<'a>],
        block: &'a [Stmt],
        looped: usize,
    ) -> usize {
        let mut last = looped;
        for (place, statement) in block.iter().enumerate().skip(looped + 1) {
            let additions = self.additions_in(subject, std::slice::from_ref(statement));
            let mut inside =
                mentions.iter().filter(|mention| statement.range().contains_range(mention.range));
            if !inside.all(|mention| is_part_of_one(&additions, mention)) {
                break;
            }
            if !additions.is_empty() {
                last = place;
            }
        }
        last
    }

    fn additions_in(&self, subject: &Subject<'a>, statements: &'a [Stmt]) -> Vec<Addition<'a>> {
        let nodes = statements.iter().flat_map(|statement| self.module.nodes_in(statement.into()));
        let additions = nodes.filter_map(Addition::of);
        additions
            .filter(|addition| Subject::of(self.module, addition).as_ref() == Some(subject))
            .collect()
    }

    /// Whether every value that the subject is ever given is bytes.
    fn is_always_bytes(&self, subject: &Subject<'a>, mentions: &[Mention<'a>]) -> bool {
        let mut stores =
            mentions.iter().filter(|mention| mention.access == Access::Store).peekable();
        stores.peek().is_some()
            && stores.all(|store| {
                let statement = self.module.statement_of(store.node);
                let is_addition = statement
                    .and_then(Addition::of)
                    .is_some_and(|addition| addition.names_grown(store.range));
                is_addition || self.gives_bytes(subject, store)
            })
    }

    fn gives_bytes(&self, subject: &Subject<'a>, store: &Mention<'a>) -> bool {
        match (store.node, self.module.parent(store.node)) {
            (AnyNodeRef::Parameter(parameter), _) => {
                self.bytes.exactly().parameter_is_bytes(self.id, parameter)
            }
            (_, Some(AnyNodeRef::StmtAssign(set))) => {
                set.targets.len() == 1 && self.bytes.exactly().is_bytes(self.id, &set.value)
            }
            (_, Some(AnyNodeRef::StmtAnnAssign(set))) => match &set.value {
                Some(value) => self.bytes.exactly().is_bytes(self.id, value),
                None => subject.is_attribute(),
            },
            _ => false,
        }
    }

    fn names_subject(&self, subject: &Subject<'a>, mention: &Mention<'a>) -> bool {
        let is_same_object = || match mention.node {
            AnyNodeRef::ExprAttribute(attribute) => {
                self.module.file().slice(attribute) == subject.text()
            }
            _ => false,
        };
        !subject.is_attribute() || is_same_object()
    }

    /// A local name that is read on the way out of the function.
    fn is_exit(&self, subject: &Subject<'a>, mention: &Mention<'a>) -> bool {
        let leaves = self
            .module
            .statement_of(mention.node)
            .is_some_and(|statement| statement.is_stmt_return());
        leaves
            && !subject.is_attribute()
            && mention.access == Access::Load
            && mention.scope == subject.frame
    }
}

fn is_loop(node: AnyNodeRef<'_>) -> bool {
    node.is_stmt_for() || node.is_stmt_while()
}

fn is_part_of_one(additions: &[Addition<'_>], mention: &Mention<'_>) -> bool {
    additions.iter().any(|addition| addition.names_grown(mention.range))
}

/// The value of `name = value` and `name: type = value`.
fn value_set(statement: &Stmt) -> Option<&Expr> {
    match statement {
        Stmt::Assign(set) if set.targets.len() == 1 => Some(&set.value),
        Stmt::AnnAssign(set) => set.value.as_deref(),
        _ => None,
    }
}
