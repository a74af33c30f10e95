//! Whether anybody can look at an attribute while a loop makes it grow.
//!
//! The answer errs on the side of "yes": what the loop runs is followed through the project's own functions, and code from outside
//! is trusted only as long as it is not given the object.

use super::stretch::Stretch;
use crate::Blocker;
use lowtide_source::ast::{self, AnyNodeRef, Expr};
use lowtide_source::{Function, Meaning, Module, ModuleId, Project, Ranged};

/// Modules by which code runs beside the loop.
const CONCURRENT_MODULES: &[&str] =
    &["_thread", "concurrent", "gevent", "multiprocessing", "signal", "threading"];
/// Methods that make reading or setting any attribute run code.
const ATTRIBUTE_HOOKS: &[&str] = &["__getattr__", "__getattribute__", "__setattr__", "__delattr__"];
/// Functions that read attributes by their text.
const REFLECTION: &[&str] =
    &["vars", "getattr", "setattr", "hasattr", "eval", "exec", "locals", "globals"];

/// Why others may see the attribute of `stretch` before the loop has ended; `None` if nobody can.
pub(super) fn seen_by_others<'a>(
    project: &Project<'a>,
    id: ModuleId,
    stretch: &Stretch<'a>,
) -> Option<Blocker> {
    let module = project.module(id);
    let attribute = stretch.subject.path.last().copied().unwrap_or_default();
    let watch = Watch { project, attribute, object: stretch.subject.path[0] };
    let reason = watch
        .method_is_open(module, stretch)
        .or_else(|| watch.project_interferes(id))
        .or_else(|| {
            let statements = &stretch.block[stretch.first..=stretch.last];
            let nodes: Vec<_> =
                statements.iter().flat_map(|statement| module.nodes_in(statement.into())).collect();
            watch.code_looks(id, &nodes, &mut Vec::new())
        })?;
    let line = module.file().line_of(stretch.range().start());
    Some(Blocker {
        name: "attribute-visible",
        reason: format!("`{}` may be seen while the loop runs: {reason}", stretch.subject.text()),
        line,
    })
}

struct Watch<'p, 'a> {
    project: &'p Project<'a>,
    attribute: &'a str,
    /// The name of the object that has it: `self`.
    object: &'a str,
}

impl<'a> Watch<'_, 'a> {
    /// The attribute must be one of `self`, in a method of a class whose bases the project shows.
    fn method_is_open(&self, module: &Module<'a>, stretch: &Stretch<'a>) -> Option<String> {
        let function = module.scope(stretch.subject.frame).node;
        let AnyNodeRef::StmtFunctionDef(def) = function else {
            return Some("it belongs to an object of the module".into());
        };
        let own = self
            .project
            .functions_named(&def.name)
            .iter()
            .find(|function| std::ptr::eq(function.def, def))?;
        let is_self = def
            .parameters
            .iter_non_variadic_params()
            .next()
            .is_some_and(|first| first.parameter.name == *self.object);
        let Some(class) = own.class.filter(|_| is_self && stretch.subject.path.len() == 2) else {
            return Some("it is not an attribute of the method's own object".into());
        };
        if !self.bases_are_known(own.module, class) {
            return Some(format!("a base class of `{}` is not part of the project", class.name));
        }
        let calls = self.project.calls_of(*own);
        let guarded = calls.sites.iter().find(|site| {
            self.project
                .module(site.module)
                .ancestors(site.call.into())
                .any(|above| above.is_stmt_try() || above.is_stmt_with())
        })?;
        let line = self.project.module(guarded.module).file().line_of(guarded.call.start());
        Some(format!("line {line} calls `{}` where an exception may be caught", def.name))
    }

    fn bases_are_known(&self, module: ModuleId, class: &'a ast::StmtClassDef) -> bool {
        class.arguments.as_ref().is_none_or(|arguments| {
            arguments.keywords.is_empty()
                && arguments.args.iter().all(|base| match self.project.meaning(module, base) {
                    Some(Meaning::External(name)) => name == "builtins.object",
                    Some(Meaning::Variable(definition)) => self
                        .project
                        .class(definition)
                        .is_some_and(|base| self.bases_are_known(definition.module, base)),
                    _ => false,
                })
        })
    }

    /// Something in the project that may touch any object's attribute at any time.
    fn project_interferes(&self, home: ModuleId) -> Option<String> {
        if self
            .project
            .functions_named(self.attribute)
            .iter()
            .any(|function| function.class.is_some())
        {
            return Some(format!("a class has a property or method `{}`", self.attribute));
        }
        if let Some(hook) =
            ATTRIBUTE_HOOKS.iter().find(|hook| !self.project.functions_named(hook).is_empty())
        {
            return Some(format!("a class has `{hook}`"));
        }
        self.project.modules().find_map(|(id, module)| {
            module.nodes().find_map(|node| match node {
                AnyNodeRef::StmtImport(import) => {
                    import.names.iter().find_map(|alias| concurrent(&alias.name))
                }
                AnyNodeRef::StmtImportFrom(import) => concurrent(import.module.as_ref()?),
                AnyNodeRef::ExprAttribute(found)
                    if id != home && found.attr == *self.attribute && !found.ctx.is_load() =>
                {
                    Some(format!("{} sets it too", module.file().path().display()))
                }
                AnyNodeRef::StmtFunctionDef(def) if self.runs_unasked(module, def) => {
                    Some(format!("`{}` reads it", def.name))
                }
                _ => None,
            })
        })
    }

    /// Generators and special methods run without a call that names them.
    fn runs_unasked(&self, module: &Module<'a>, def: &'a ast::StmtFunctionDef) -> bool {
        let is_special = def.name.starts_with("__") && def.name != *"__init__";
        let is_generator = || {
            module
                .nodes_in(def.into())
                .any(|node| node.is_expr_yield() || node.is_expr_yield_from())
        };
        (is_special || is_generator())
            && module.nodes_in(def.into()).any(|node| self.names_attribute(node))
    }

    fn names_attribute(&self, node: AnyNodeRef<'a>) -> bool {
        match node {
            AnyNodeRef::ExprAttribute(found) => {
                found.attr == *self.attribute || found.attr == *"__dict__"
            }
            AnyNodeRef::ExprName(name) => REFLECTION.contains(&name.id.as_str()),
            _ => false,
        }
    }

    /// What among `nodes`, or in the functions they call, may look at the attribute.
    fn code_looks(
        &self,
        id: ModuleId,
        nodes: &[AnyNodeRef<'a>],
        seen: &mut Vec<&'a ast::StmtFunctionDef>,
    ) -> Option<String> {
        let module = self.project.module(id);
        nodes.iter().find_map(|&node| match node {
            AnyNodeRef::ExprAwait(_) | AnyNodeRef::ExprYield(_) | AnyNodeRef::ExprYieldFrom(_) => {
                Some(format!("line {} lets other code run", module.file().line_of(node.start())))
            }
            AnyNodeRef::ExprCall(call) => self.call_looks(id, call, seen),
            AnyNodeRef::ExprName(name) if name.id == *self.object && seen.is_empty() => {
                self.object_escapes(module, node)
            }
            _ => None,
        })
    }

    /// `self` on its own, other than in `self.name`, may be handed to anybody.
    fn object_escapes(&self, module: &Module<'a>, name: AnyNodeRef<'a>) -> Option<String> {
        let is_attribute_of = matches!(module.parent(name), Some(AnyNodeRef::ExprAttribute(_)));
        (!is_attribute_of).then(|| {
            format!("line {} hands `{}` on", module.file().line_of(name.start()), self.object)
        })
    }

    fn call_looks(
        &self,
        id: ModuleId,
        call: &'a ast::ExprCall,
        seen: &mut Vec<&'a ast::StmtFunctionDef>,
    ) -> Option<String> {
        let functions: Vec<Function<'a>> = match (self.project.meaning(id, &call.func), &*call.func)
        {
            (Some(Meaning::External(_)), _) => Vec::new(),
            (Some(Meaning::Variable(definition)), _) => {
                match (self.project.function(definition), self.project.class(definition)) {
                    (Some(function), _) => vec![function],
                    (None, Some(class)) => self.constructors_of(class),
                    (None, None) => {
                        return Some(format!(
                            "`{}` may be any function",
                            self.project.module(id).file().slice(&*call.func)
                        ));
                    }
                }
            }
            (_, Expr::Attribute(method)) => self.project.functions_named(&method.attr).to_vec(),
            _ => {
                return Some(format!(
                    "`{}` may be any function",
                    self.project.module(id).file().slice(&*call.func)
                ));
            }
        };
        functions.into_iter().find_map(|function| self.function_looks(function, seen))
    }

    fn constructors_of(&self, class: &'a ast::StmtClassDef) -> Vec<Function<'a>> {
        let is_own = |function: &&Function<'a>| {
            function.class.is_some_and(|owner| std::ptr::eq(owner, class))
        };
        ["__init__", "__new__"]
            .iter()
            .flat_map(|name| self.project.functions_named(name).iter().filter(is_own))
            .copied()
            .collect()
    }

    fn function_looks(
        &self,
        function: Function<'a>,
        seen: &mut Vec<&'a ast::StmtFunctionDef>,
    ) -> Option<String> {
        if seen.iter().any(|def| std::ptr::eq(*def, function.def)) {
            return None;
        }
        seen.push(function.def);
        let module = self.project.module(function.module);
        let nodes: Vec<_> = module.nodes_in(function.def.into()).collect();
        if nodes.iter().any(|&node| self.names_attribute(node)) {
            return Some(format!("`{}` reads or sets it", function.def.name));
        }
        let calls: Vec<_> = nodes.into_iter().filter(|&node| node.is_expr_call()).collect();
        self.code_looks(function.module, &calls, seen)
    }
}

fn concurrent(module: &ast::Identifier) -> Option<String> {
    let first = module.split('.').next().unwrap_or(module);
    CONCURRENT_MODULES
        .contains(&first)
        .then(|| format!("the project runs code side by side (`{first}`)"))
}
