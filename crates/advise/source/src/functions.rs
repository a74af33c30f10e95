//! What the functions and classes of a project are.

use crate::{Definition, Function, Meaning, ModuleId, Project};
use ruff_python_ast::{AnyNodeRef, Expr, ExprLambda, StmtClassDef, StmtFunctionDef};

impl<'a> Project<'a> {
    /// The function that `def`, which stands in `module`, defines.
    #[must_use]
    pub fn function_of(&self, module: ModuleId, def: &StmtFunctionDef) -> Option<Function<'a>> {
        let named = self.functions_named(def.name.as_str());
        named
            .iter()
            .find(|function| function.module == module && std::ptr::eq(function.def, def))
            .copied()
    }

    /// Whether a call of `function` makes a generator, or a coroutine: its body runs later.
    #[must_use]
    pub fn is_generator(&self, function: Function<'a>) -> bool {
        function.def.is_async || self.yields(function)
    }

    /// Whether `yield` stands in the body of `function` itself.
    #[must_use]
    pub fn yields(&self, function: Function<'a>) -> bool {
        let module = self.module(function.module);
        module.scope_opened_by(function.def.into()).is_some_and(|scope| module.yields(scope))
    }

    /// The expressions that stand in the `return` statements of `function` itself.
    pub fn returned_by(
        &self,
        function: Function<'a>,
    ) -> impl Iterator<Item = &'a Expr> + use<'_, 'a> {
        let module = self.module(function.module);
        let own = module.scope_opened_by(function.def.into());
        module.nodes_in(function.def.into()).filter_map(move |node| match node {
            AnyNodeRef::StmtReturn(statement) if Some(module.scope_of(node)) == own => {
                statement.value.as_deref()
            }
            _ => None,
        })
    }

    /// The classes in whose body `name` is a variable, or in whose code an attribute of that name stands.
    #[must_use]
    pub fn classes_mentioning(&self, name: &str) -> Vec<(ModuleId, &'a StmtClassDef)> {
        let inside = self.attributes_named(name).iter().filter_map(|found| {
            let class = self.module(found.module).ancestors(found.node).find_map(as_class)?;
            Some((found.module, class))
        });
        let mut classes: Vec<(ModuleId, &'a StmtClassDef)> =
            self.classes_with_variable(name).iter().copied().chain(inside).collect();
        classes.sort_by_key(|(module, class)| (*module, class.range.start()));
        classes.dedup_by_key(|(module, class)| (*module, class.range.start()));
        classes
    }

    /// The lambda that `definition` is bound to, if it is bound once and to a lambda.
    #[must_use]
    pub fn lambda(&self, definition: Definition) -> Option<&'a ExprLambda> {
        let binding = self.sole_binding(definition)?;
        match self.module(definition.module).parent(binding)? {
            AnyNodeRef::StmtAssign(assign) if assign.targets.len() == 1 => {
                assign.value.as_lambda_expr()
            }
            _ => None,
        }
    }

    /// `class` and those of its bases, and their bases, that are classes of the project.
    #[must_use]
    pub fn lineage(&self, module: ModuleId, class: &'a StmtClassDef) -> Vec<&'a StmtClassDef> {
        let mut lineage = vec![(module, class)];
        let mut next = 0;
        while let Some(&(module, class)) = lineage.get(next) {
            for base in class.bases() {
                if let Some(Meaning::Variable(definition)) = self.meaning(module, base)
                    && let Some(base) = self.class(definition)
                    && !lineage.iter().any(|(_, known)| std::ptr::eq(*known, base))
                {
                    lineage.push((definition.module, base));
                }
            }
            next += 1;
        }
        lineage.into_iter().map(|(_, class)| class).collect()
    }
}

fn as_class(node: AnyNodeRef<'_>) -> Option<&StmtClassDef> {
    match node {
        AnyNodeRef::StmtClassDef(class) => Some(class),
        _ => None,
    }
}
