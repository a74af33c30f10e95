//! What about a function forbids to make it a generator, whoever calls it.

use super::collected::{Collected, Form};
use crate::Blocker;
use lowtide_source::ast::{self, AnyNodeRef, Expr, Stmt};
use lowtide_source::{Meaning, Module, Project, Ranged, Use};

/// All such facts.
pub(super) fn blockers<'a>(project: &Project<'a>, collected: &Collected<'a>) -> Vec<Blocker> {
    let module = project.module(collected.function.module);
    let subject = Suspect { project, module, collected };
    let mut blockers: Vec<Blocker> = [
        subject.asynchronous(),
        subject.decorated(),
        subject.special(),
        subject.bound_elsewhere(),
        subject.shared_name(),
        subject.recursive(),
        subject.opaque(),
    ]
    .into_iter()
    .flatten()
    .collect();
    blockers.extend(collected.blockers(module));
    if !matches!(collected.form, Form::Comprehension(_)) {
        blockers.extend(subject.suspended_inside());
        blockers.extend(subject.ends_by_exception());
    }
    blockers
}

struct Suspect<'p, 'a> {
    project: &'p Project<'a>,
    module: &'p Module<'a>,
    collected: &'p Collected<'a>,
}

impl<'a> Suspect<'_, 'a> {
    fn def(&self) -> &'a ast::StmtFunctionDef {
        self.collected.function.def
    }

    fn blocker(&self, name: &'static str, node: impl Ranged, reason: String) -> Blocker {
        Blocker { name, reason, line: self.module.file().line_of(node.start()) }
    }

    fn asynchronous(&self) -> Option<Blocker> {
        let name = &self.def().name;
        self.def()
            .is_async
            .then(|| self.blocker("asynchronous", name, format!("`{name}` is a coroutine")))
    }

    /// A decorator may look at the list, or keep it for the next call.
    fn decorated(&self) -> Option<Blocker> {
        const HARMLESS: &[&str] =
            &["builtins.staticmethod", "builtins.classmethod", "typing.final", "typing.override"];
        let decorator = self.def().decorator_list.iter().find(|decorator| {
            let name =
                self.project.external_name(self.collected.function.module, &decorator.expression);
            !name.is_some_and(|name| HARMLESS.contains(&name.as_str()))
        })?;
        let text = self.module.file().slice(&decorator.expression);
        Some(self.blocker(
            "decorated",
            decorator,
            format!("the decorator `{text}` gets hold of the list"),
        ))
    }

    fn special(&self) -> Option<Blocker> {
        let name = &self.def().name;
        let is_special = name.starts_with("__") && name.ends_with("__");
        is_special
            .then(|| self.blocker("special-method", name, format!("Python itself calls `{name}`")))
    }

    /// The name must always mean this function: no second `def`, no import instead, no patch from elsewhere.
    fn bound_elsewhere(&self) -> Option<Blocker> {
        let function = self.collected.function;
        let definition = self.project.definition_of(function)?;
        let is_patched = |used: &Use<'a>| match used.node {
            AnyNodeRef::ExprAttribute(attribute) => !attribute.ctx.is_load(),
            _ => false,
        };
        let others = self.project.calls_of(function).others;
        let is_sole = self
            .project
            .function(definition)
            .is_some_and(|found| std::ptr::eq(found.def, function.def));
        if is_sole && !others.iter().any(is_patched) {
            return None;
        }
        let name = &self.def().name;
        Some(self.blocker(
            "bound-elsewhere",
            name,
            format!("`{name}` is given another value somewhere"),
        ))
    }

    /// Methods are told apart by their name alone, and a base class outside the project may call them.
    fn shared_name(&self) -> Option<Blocker> {
        let name = &self.def().name;
        let class = self.collected.function.class?;
        if self.project.functions_named(name).len() > 1 {
            return Some(self.blocker(
                "overridden",
                name,
                format!("more than one class or module has a `{name}`"),
            ));
        }
        let bases = class.arguments.as_ref().map_or(&[][..], |arguments| &arguments.args);
        let foreign = bases.iter().find(|base| {
            match self.project.meaning(self.collected.function.module, base) {
                Some(Meaning::External(name)) => name != "builtins.object",
                Some(Meaning::Variable(definition)) => self.project.class(definition).is_none(),
                _ => true,
            }
        })?;
        let text = self.module.file().slice(foreign);
        Some(self.blocker(
            "overridden",
            foreign,
            format!("`{text}` is not part of the project and may call `{name}`"),
        ))
    }

    fn recursive(&self) -> Option<Blocker> {
        let calls = self.project.calls_of(self.collected.function);
        let within = |site: &&lowtide_source::CallSite<'a>| {
            site.module == self.collected.function.module
                && self.def().range().contains_range(site.call.range())
        };
        let site = calls.sites.iter().find(within)?;
        Some(self.blocker("recursive", site.call, format!("`{}` calls itself", self.def().name)))
    }

    fn opaque(&self) -> Option<Blocker> {
        let scope = self.module.scope_opened_by(self.def().into())?;
        let (_, range) = self.module.opacity(scope)?;
        Some(self.blocker(
            "names-read-by-text",
            range,
            "names are looked up by their text here".into(),
        ))
    }

    /// Between two results the function would hold what `with` and `try` are to let go of at once.
    fn suspended_inside(&self) -> Option<Blocker> {
        let hand_overs = self.collected.hand_overs().into_iter();
        let guarded = hand_overs
            .flat_map(|inner| self.module.ancestors(inner).map(move |above| (inner, above)));
        let own = self.def().range();
        let (_, guard) = guarded.filter(|(_, above)| own.contains_range(above.range())).find(
            |(inner, above)| match above {
                AnyNodeRef::StmtWith(with) => {
                    with.is_async
                        || !with.items.iter().all(|item| self.is_file_to_read(&item.context_expr))
                }
                AnyNodeRef::StmtTry(attempt) => {
                    !attempt.finalbody.is_empty()
                        || (stands_in(&attempt.body, *inner) && catches_everything(attempt))
                }
                _ => false,
            },
        )?;
        Some(self.blocker(
            "suspended-inside",
            guard,
            "results would be handed over from inside this block, which ends later then".into(),
        ))
    }

    /// A file that is only read may stay open while the caller works.
    fn is_file_to_read(&self, manager: &Expr) -> bool {
        const OPENERS: &[&str] =
            &["builtins.open", "io.open", "gzip.open", "bz2.open", "lzma.open", "codecs.open"];
        let Expr::Call(call) = manager else { return false };
        let place = match (
            &*call.func,
            self.project.external_name(self.collected.function.module, &call.func),
        ) {
            (_, Some(name)) if OPENERS.contains(&name.as_str()) => 1,
            (Expr::Attribute(method), _) if method.attr.as_str() == "open" => 0,
            _ => return false,
        };
        match call.arguments.find_argument_value("mode", place) {
            None => true,
            Some(Expr::StringLiteral(mode)) => !mode.value.to_str().contains(['w', 'x', 'a', '+']),
            Some(_) => false,
        }
    }

    /// `StopIteration` cannot leave a generator.
    fn ends_by_exception(&self) -> Option<Blocker> {
        let own = self.module.scope_opened_by(self.def().into());
        let nodes = self.module.nodes_in(self.def().into());
        let mut own_nodes =
            nodes.filter(|&node| Some(self.module.frame_of(self.module.scope_of(node))) == own);
        let call = own_nodes.find_map(|node| match node {
            AnyNodeRef::ExprCall(call) => self.is_bare_next(call).then_some(call),
            _ => None,
        })?;
        Some(self.blocker(
            "stop-iteration-inside",
            call,
            "`next()` may raise `StopIteration`, which cannot leave a generator".into(),
        ))
    }

    fn is_bare_next(&self, call: &'a ast::ExprCall) -> bool {
        let name = self.project.external_name(self.collected.function.module, &call.func);
        call.arguments.args.len() == 1 && name.is_some_and(|name| name == "builtins.next")
    }
}

fn stands_in(body: &[Stmt], node: AnyNodeRef<'_>) -> bool {
    body.iter().any(|statement| statement.range().contains_range(node.range()))
}

/// `except:` and `except BaseException:` would catch the end of a generator that is not gone through to its end.
fn catches_everything(attempt: &ast::StmtTry) -> bool {
    attempt.handlers.iter().any(|ast::ExceptHandler::ExceptHandler(handler)| match handler.type_.as_deref() {
        None => true,
        Some(Expr::Name(name)) => matches!(name.id.as_str(), "BaseException" | "GeneratorExit"),
        Some(Expr::Tuple(classes)) => classes.elts.iter().any(|class| {
            matches!(class, Expr::Name(name) if matches!(name.id.as_str(), "BaseException" | "GeneratorExit"))
        }),
        Some(_) => false,
    })
}
