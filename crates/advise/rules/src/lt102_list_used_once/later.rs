//! Whether the items may be made later, one by one, in turn with the code that uses them.

use super::blocker;
use super::built::{Built, Kind, sibling_holding};
use crate::Blocker;
use crate::consumer::Consumer;
use lowtide_source::ast::{AnyNodeRef, ExceptHandler, Expr, ExprListComp, Stmt};
use lowtide_source::{Effector, Effects, Module, ModuleId, Project, Ranged, Site};

/// The making of a list's items, put off until its consumer asks for each.
pub(crate) struct Postponed<'p, 'a> {
    pub project: &'p Project<'a>,
    pub id: ModuleId,
    pub built: &'p Built<'a>,
    pub consumer: &'p Consumer<'a>,
}

impl<'a> Postponed<'_, 'a> {
    /// Every fact that forbids to put it off.
    pub fn blockers(&self) -> Vec<Blocker> {
        self.blockers_of_making(&self.effects_of_items())
    }

    /// The same when making the items has these effects.
    pub fn blockers_of_making(&self, items: &Effects) -> Vec<Blocker> {
        let mut blockers = self.inside_the_items();
        let stretch = match self.stretch() {
            Ok(stretch) => stretch,
            Err(blocker) => return blockers.into_iter().chain([blocker]).collect(),
        };
        let meanwhile =
            Effector::of(self.project).of_nodes_without(self.id, &stretch, Some(self.built.list));
        blockers.extend(self.taking_turns(items, &meanwhile));
        blockers.extend(self.stopping_early(items, &stretch));
        blockers.extend(self.caught_elsewhere(items, &[]));
        blockers
    }

    fn blocker(&self, name: &'static str, node: impl Ranged, reason: impl Into<String>) -> Blocker {
        blocker(self.project, self.id, name, node, reason)
    }

    fn module(&self) -> &Module<'a> {
        self.project.module(self.id)
    }

    /// What a comprehension may hold that a generator expression may not.
    fn inside_the_items(&self) -> Vec<Blocker> {
        let Kind::Comprehension(comprehension) = self.built.kind else { return Vec::new() };
        let module = self.module();
        let first = comprehension.generators.first().map(|clause| clause.iter.range());
        let inside = module
            .nodes_in(self.built.list)
            .filter(|node| !first.is_some_and(|first| first.contains_range(node.range())));
        let mut blockers = Vec::new();
        for node in inside {
            let found = match node {
                AnyNodeRef::ExprAwait(_) => Some(("awaits-inside", "an item awaits".to_owned())),
                AnyNodeRef::Comprehension(clause) if clause.is_async => {
                    Some(("awaits-inside", "the comprehension is asynchronous".to_owned()))
                }
                AnyNodeRef::ExprNamed(named) => self.read_later(comprehension, &named.target),
                AnyNodeRef::ExprCall(call) => self.needs_its_frame(call),
                _ => None,
            };
            blockers.extend(found.map(|(name, reason)| self.blocker(name, node, reason)));
        }
        blockers
    }

    /// A walrus leaves its last value behind; a generator leaves it later.
    fn read_later(
        &self,
        comprehension: &ExprListComp,
        target: &Expr,
    ) -> Option<(&'static str, String)> {
        let name = target.as_name_expr()?;
        let module = self.module();
        let variable = module.variable_of(name)?;
        let outside = |range: lowtide_source::TextRange| !comprehension.range.contains_range(range);
        let is_read = module
            .references(variable)
            .any(|reference| reference.access.reads() && outside(reference.range));
        is_read.then(|| {
            ("walrus-read-later", format!("`{}` is read outside of the comprehension", name.id))
        })
    }

    /// `super()` looks at the function around it; `next()` ends a comprehension by an exception that a generator may not let out.
    fn needs_its_frame(
        &self,
        call: &lowtide_source::ast::ExprCall,
    ) -> Option<(&'static str, String)> {
        match self.project.external_name(self.id, &call.func)?.as_str() {
            "builtins.super" if call.arguments.is_empty() => {
                Some(("super-inside", "`super()` needs the function around it".to_owned()))
            }
            "builtins.next" if call.arguments.args.len() == 1 => Some((
                "stop-iteration-inside",
                "`StopIteration` cannot leave a generator".to_owned(),
            )),
            _ => None,
        }
    }

    /// The code that runs between the making of the list and the end of its use.
    fn stretch(&self) -> Result<Vec<AnyNodeRef<'a>>, Blocker> {
        let Some(binding) = &self.built.binding else { return Ok(vec![self.consumer.code]) };
        let Some((block, made)) = self.module().block_of(binding.statement) else {
            return Ok(vec![self.consumer.code]);
        };
        match sibling_holding(block, self.consumer.code) {
            Some(used) if used > made => {
                Ok(block[made + 1..=used].iter().map(AnyNodeRef::from).collect())
            }
            _ => Err(self.used_outside_of_its_block(binding.statement)),
        }
    }

    fn used_outside_of_its_block(&self, statement: AnyNodeRef<'a>) -> Blocker {
        let used_at = self.consumer.code;
        match self.module().parent(statement) {
            Some(AnyNodeRef::StmtWith(with)) => self.blocker(
                "used-after-with",
                with,
                "the list is used after the `with` block in which it is made",
            ),
            Some(AnyNodeRef::StmtTry(attempt)) => self.blocker(
                "try-no-longer-covers",
                attempt,
                "the list is made inside a `try` and used outside of it",
            ),
            _ => self.blocker(
                "bound-elsewhere",
                used_at,
                "the list is made in one branch and used outside of it",
            ),
        }
    }

    /// What making the items does; the first iterable of a comprehension is evaluated at once in any case.
    fn effects_of_items(&self) -> Effects {
        let effector = Effector::of(self.project);
        match self.built.kind {
            Kind::Comprehension(comprehension) => {
                of_comprehension(effector, self.id, comprehension)
            }
            Kind::Call { argument, .. } => effector.of_iterating(self.id, argument),
            // The function that makes them tells.
            Kind::Result => Effects::default(),
        }
    }

    /// Whether making the items and the code in `meanwhile` would disturb each other.
    pub fn taking_turns(&self, items: &Effects, meanwhile: &Effects) -> Option<Blocker> {
        if let (Some(check), Some((place, act))) = (items.checks, meanwhile.change_outside()) {
            let reason = format!(
                "an item is checked{}, and {place} is written before all have been",
                self.at(check)
            );
            return Some(self.blocker_at("checks-before-acting", act, reason));
        }
        let conflict = items.conflict(meanwhile)?;
        if items.writes.contains_key(&conflict.place) {
            let reason = format!(
                "making an item changes {}, and so does the code that uses the items{}",
                conflict.place,
                self.at(conflict.other)
            );
            Some(self.blocker_at("effects-interleave", conflict.own, reason))
        } else {
            let reason = format!(
                "making an item reads {}, which changes before all are used",
                conflict.place
            );
            Some(self.blocker_at("changed-before-use", conflict.other, reason))
        }
    }

    fn at(&self, site: Site) -> String {
        if site.module == self.id {
            return format!(" (line {})", site.line);
        }
        format!(" ({}:{})", self.project.module(site.module).file().path().display(), site.line)
    }

    fn blocker_at(&self, name: &'static str, site: Site, reason: String) -> Blocker {
        let line = if site.module == self.id {
            site.line
        } else {
            self.module().file().line_of(self.built.list.start())
        };
        Blocker { name, reason, line }
    }

    /// Items that are never asked for are never made: nobody may miss them.
    fn stopping_early(&self, items: &Effects, stretch: &[AnyNodeRef<'a>]) -> Option<Blocker> {
        let stop = self.consumer.may_stop.or_else(|| self.skipped(stretch))?;
        if let Some((place, site)) = items.writes.iter().next() {
            let reason = format!(
                "not all items may be asked for, and making one changes {place}{}",
                self.at(*site)
            );
            return Some(self.blocker("may-stop-early", stop, reason));
        }
        if let Some(site) = items.may_raise {
            let reason = format!(
                "not all items may be asked for, and making one may raise{}",
                self.at(site)
            );
            return Some(self.blocker("may-stop-early", stop, reason));
        }
        None
    }

    /// Where control may go past the consumer.
    fn skipped(&self, stretch: &[AnyNodeRef<'a>]) -> Option<AnyNodeRef<'a>> {
        self.built.binding.as_ref()?;
        let module = self.module();
        let code = self.consumer.code;
        let before = stretch
            .iter()
            .flat_map(|&node| module.nodes_in(node))
            .take_while(|node| node.start() < code.start());
        let leaves = |node: &AnyNodeRef<'a>| match node {
            AnyNodeRef::StmtReturn(_)
            | AnyNodeRef::StmtBreak(_)
            | AnyNodeRef::StmtContinue(_)
            | AnyNodeRef::StmtRaise(_) => true,
            AnyNodeRef::StmtIf(_)
            | AnyNodeRef::StmtMatch(_)
            | AnyNodeRef::StmtTry(_)
            | AnyNodeRef::ExprBoolOp(_)
            | AnyNodeRef::ExprIf(_) => {
                node.range().contains_range(code.range()) && !node.ptr_eq(code)
            }
            _ => false,
        };
        before.into_iter().find(leaves)
    }

    /// An exception from an item must meet the same handlers, with the same work done before; it is never one of `spared`.
    pub fn caught_elsewhere(&self, items: &Effects, spared: &[&str]) -> Option<Blocker> {
        let site = items.may_raise?;
        let handler = self
            .module()
            .ancestors(self.consumer.code)
            .find(|above| self.catches(*above, spared))?;
        let reason = format!(
            "making an item may raise{}, which is caught here, now after part of the items is used",
            self.at(site)
        );
        Some(self.blocker("try-no-longer-covers", handler, reason))
    }

    fn catches(&self, above: AnyNodeRef<'a>, spared: &[&str]) -> bool {
        let holds = |body: &[Stmt]| sibling_holding(body, self.consumer.code).is_some();
        match above {
            AnyNodeRef::StmtTry(attempt) => {
                holds(&attempt.body)
                    && attempt
                        .handlers
                        .iter()
                        .any(|handler| self.handles_more_than(handler, spared))
            }
            AnyNodeRef::StmtWith(with) => {
                with.items.iter().any(|item| self.swallows(&item.context_expr))
            }
            _ => false,
        }
    }

    fn handles_more_than(&self, handler: &ExceptHandler, spared: &[&str]) -> bool {
        let ExceptHandler::ExceptHandler(handler) = handler;
        let is_spared = |class: &Expr| {
            let name = self.project.external_name(self.id, class);
            name.is_some_and(|name| spared.contains(&name.trim_start_matches("builtins.")))
        };
        match handler.type_.as_deref() {
            None => true,
            Some(Expr::Tuple(classes)) => !classes.elts.iter().all(is_spared),
            Some(class) => !is_spared(class),
        }
    }

    fn swallows(&self, manager: &Expr) -> bool {
        let text = self.module().file().slice(manager);
        text.contains("suppress") || text.contains("raises") || text.contains("assertRaises")
    }
}

/// What making the items of a comprehension does, its first iterable evaluated before.
pub(crate) fn of_comprehension<'a>(
    effector: Effector<'_, 'a>,
    id: ModuleId,
    comprehension: &'a ExprListComp,
) -> Effects {
    let first = comprehension.generators.first().map(|clause| AnyNodeRef::from(&clause.iter));
    let mut effects = effector.of_nodes_without(id, &[comprehension.into()], first);
    if let Some(clause) = comprehension.generators.first() {
        effects.merge(effector.of_iterating(id, &clause.iter));
    }
    effects
}
