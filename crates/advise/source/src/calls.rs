//! Where the functions of a project are called, and where they are used as values.

use crate::project::{Definition, Function, Meaning, ModuleId, Project, Use};
use ruff_python_ast::{AnyNodeRef, Expr, ExprCall, ParameterWithDefault, StmtImportFrom};

/// A call of a function of the project.
#[derive(Clone, Copy, Debug)]
pub struct CallSite<'a> {
    /// Where it stands.
    pub module: ModuleId,
    /// The call.
    pub call: &'a ExprCall,
}

/// Every use of a function that the project shows.
#[derive(Clone, Debug, Default)]
pub struct Calls<'a> {
    /// Calls. Of a method: every call of an attribute of that name, whatever its object.
    pub sites: Vec<CallSite<'a>>,
    /// Uses as a value: passed on, stored, decorated, taken by its text (`getattr(x, "name")`).
    pub others: Vec<Use<'a>>,
}

impl<'a> Project<'a> {
    /// Every use of `function`; import statements are none.
    #[must_use]
    pub fn calls_of(&self, function: Function<'a>) -> Calls<'a> {
        let uses = match function.class {
            Some(_) => self.attributes_named(function.def.name.as_str()).to_vec(),
            None => self
                .definition_of(function)
                .map_or_else(Vec::new, |definition| self.uses_of(definition).to_vec()),
        };
        let mut calls = Calls::default();
        for used in uses {
            match (self.module(used.module).parent(used.node), used.node) {
                (Some(AnyNodeRef::ExprCall(call)), node)
                    if AnyNodeRef::from(&*call.func).ptr_eq(node) =>
                {
                    calls.sites.push(CallSite { module: used.module, call });
                }
                (_, AnyNodeRef::Alias(_)) => {}
                _ => calls.others.push(used),
            }
        }
        calls
    }

    /// The variable that a function's `def` binds.
    #[must_use]
    pub fn definition_of(&self, function: Function<'a>) -> Option<Definition> {
        let module = self.module(function.module);
        let variable = module.reference(module.reference_at(&function.def.name)?).variable;
        Some(Definition { module: function.module, variable })
    }

    /// The module that `from ... import` takes names from; `None` if it is neither in the project nor named in full.
    #[must_use]
    pub fn imported_module(&self, from: ModuleId, import: &StmtImportFrom) -> Option<Meaning> {
        let dotted = import.module.as_ref().map_or("", |module| module.as_str());
        self.dotted(from, import.level, dotted)
    }
}

impl<'a> Function<'a> {
    /// The parameters that a call fills: `self` and `cls` of a method excluded, `*args` and `**kwargs` too.
    pub fn parameters(&self) -> impl Iterator<Item = &'a ParameterWithDefault> + use<'a> {
        let parameters = &self.def.parameters;
        let is_static = self
            .def
            .decorator_list
            .iter()
            .any(|decorator| is_name(&decorator.expression, "staticmethod"));
        let bound = usize::from(self.class.is_some() && !is_static);
        parameters
            .posonlyargs
            .iter()
            .chain(&parameters.args)
            .skip(bound)
            .chain(&parameters.kwonlyargs)
    }

    /// What `call` passes for the parameter called `name`; its default where it passes nothing; `None` if that cannot be told.
    #[must_use]
    pub fn argument(&self, call: &'a ExprCall, name: &str) -> Option<&'a Expr> {
        let spreads = call.arguments.args.iter().any(Expr::is_starred_expr)
            || call.arguments.keywords.iter().any(|keyword| keyword.arg.is_none());
        let place = self.parameters().position(|parameter| parameter.parameter.name == *name)?;
        let parameter = self.parameters().nth(place)?;
        let is_keyword_only =
            self.def.parameters.kwonlyargs.iter().any(|other| std::ptr::eq(other, parameter));
        let positional = if is_keyword_only { None } else { call.arguments.args.get(place) };
        let by_keyword = || call.arguments.find_keyword(name).map(|keyword| &keyword.value);
        (!spreads).then(|| positional.or_else(by_keyword).or(parameter.default.as_deref()))?
    }
}

fn is_name(expr: &Expr, name: &str) -> bool {
    matches!(expr, Expr::Name(found) if found.id == *name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SourceFile;

    /// Number of calls and other uses of the function `f`, and the argument that each call passes for `x`.
    fn uses_of_f(texts: &[(&str, &str)]) -> (usize, Vec<Option<String>>) {
        let files: Vec<_> =
            texts.iter().map(|(path, text)| SourceFile::parse(*path, *text).unwrap()).collect();
        let project = Project::of(&files);
        let function = project.functions_named("f")[0];
        let calls = project.calls_of(function);
        let text_of = |site: &CallSite<'_>, argument: &Expr| {
            project.module(site.module).file().slice(argument).to_owned()
        };
        let passed = calls
            .sites
            .iter()
            .map(|site| function.argument(site.call, "x").map(|argument| text_of(site, argument)));
        (calls.others.len(), passed.collect())
    }

    fn some(texts: &[&str]) -> Vec<Option<String>> {
        texts.iter().map(|text| Some((*text).to_owned())).collect()
    }

    #[test]
    fn calls_from_other_files_are_found_with_their_arguments() {
        let a = ("a.py", "def f(x, y=2): ...\nf(1)\nf(y=1, x=3)\n");
        let b = ("b.py", "import a\nfrom a import f as g\na.f(4)\ng(x=5)\n");
        assert_eq!(uses_of_f(&[a, b]), (0, some(&["1", "3", "4", "5"])));
    }

    #[test]
    fn a_spread_call_leaves_the_argument_untold() {
        assert_eq!(
            uses_of_f(&[("a.py", "def f(x=1): ...\nf(*xs)\nf()\n")]),
            (0, vec![None, Some("1".to_owned())])
        );
    }

    #[test]
    fn methods_are_called_through_any_object_and_lose_self() {
        let text = "class C:\n    def f(self, x): ...\nC().f(1)\nany.f(2)\nmap(C().f, xs)\ngetattr(C(), 'f')\n";
        assert_eq!(uses_of_f(&[("a.py", text)]), (2, some(&["1", "2"])));
    }
}
