use super::collector::Collector;
use super::ownership::is_own;
use super::{Effects, FreshNames};
use crate::{Definition, Function, ModuleId, Project};
use ruff_python_ast::{AnyNodeRef, Expr};
use ruff_text_size::Ranged;

/// Finds the effects of code of a project.
///
/// ```
/// use lowtide_source::{Effector, Place, Project, SourceFile, ast::AnyNodeRef};
/// let files = [SourceFile::parse("a.py", "def f(x):\n    print(x)\nf(1)\n")?];
/// let project = Project::of(&files);
/// let (id, module) = project.modules().next().unwrap();
/// let call = AnyNodeRef::from(&module.file().syntax().body[1]);
/// assert!(Effector::of(&project).of_nodes(id, &[call]).writes.contains_key(&Place::Terminal));
/// # Ok::<(), lowtide_source::SourceError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Effector<'p, 'a> {
    project: &'p Project<'a>,
}

impl<'p, 'a> Effector<'p, 'a> {
    /// For the code of `project`.
    #[must_use]
    pub fn of(project: &'p Project<'a>) -> Self {
        Self { project }
    }

    /// The effects of running `nodes`, which stand in `module`.
    #[must_use]
    pub fn of_nodes(&self, module: ModuleId, nodes: &[AnyNodeRef<'a>]) -> Effects {
        self.of_nodes_without(module, nodes, None)
    }

    /// The effects of running `nodes` but for the node `left_out`.
    #[must_use]
    pub fn of_nodes_without(
        &self,
        module: ModuleId,
        nodes: &[AnyNodeRef<'a>],
        left_out: Option<AnyNodeRef<'a>>,
    ) -> Effects {
        let mut collector = Collector::new(self.project, module);
        collector.left_out = left_out.map(|node| node.range());
        for &node in nodes {
            collector.run(node);
        }
        collector.finish()
    }

    /// The effects of one pass over the items of `iterable`, beyond evaluating the expression itself.
    #[must_use]
    pub fn of_iterating(&self, module: ModuleId, iterable: &'a Expr) -> Effects {
        let mut collector = Collector::new(self.project, module);
        collector.iterate(iterable);
        collector.finish()
    }

    /// The effects of running the body of `function` once, whether its call would do that at once or not. What it does to
    /// objects that it makes itself and nobody else has, known by their `fresh` names, is none.
    #[must_use]
    pub fn of_body(&self, function: Function<'a>, fresh: FreshNames) -> Effects {
        let mut collector = Collector::new(self.project, function.module);
        collector.fresh = fresh;
        collector.run_body(function);
        collector.finish()
    }

    /// Whether the container that a variable names is reachable through that variable alone.
    #[must_use]
    pub fn is_own(&self, definition: Definition) -> bool {
        is_own(self.project, definition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SourceFile;

    /// The effects of the last statement of `text`.
    fn of_last(text: &str) -> Effects {
        let files = [SourceFile::parse("a.py", text).unwrap()];
        let project = Project::of(&files);
        let (id, module) = project.modules().next().unwrap();
        let last = module.file().syntax().body.last().unwrap();
        Effector::of(&project).of_nodes(id, &[last.into()])
    }

    fn writes(text: &str) -> Vec<String> {
        of_last(text).writes.keys().map(ToString::to_string).collect()
    }

    #[test]
    fn a_called_function_is_followed() {
        assert_eq!(writes("def g():\n    print(1)\ndef f():\n    g()\nf()\n"), ["the terminal"]);
    }

    #[test]
    fn a_lambda_that_calls_itself_is_followed_once() {
        assert_eq!(writes("f = lambda n: print(n) or f(n - 1)\nf(3)\n"), ["the terminal"]);
    }

    #[test]
    fn a_long_chain_of_calls_does_not_exhaust_the_stack() {
        let defs = (0..4_000).map(|n| format!("def f{n}():\n    f{}()\n", n + 1));
        let chain = defs.collect::<Vec<_>>().concat();
        assert_eq!(writes(&format!("{chain}def f4000():\n    print(1)\nf0()\n")), ["the terminal"]);
    }

    #[test]
    fn a_recursive_function_is_followed_once() {
        assert_eq!(writes("def f(n):\n    print(n)\n    f(n - 1)\nf(3)\n"), ["the terminal"]);
    }

    #[test]
    fn a_new_object_s_own_attributes_are_no_effect() {
        assert!(
            writes("class P:\n    def __init__(self, x):\n        self.x = x\nP(1)\n").is_empty()
        );
    }

    #[test]
    fn calling_a_generator_runs_nothing_yet() {
        assert!(writes("def g():\n    print(1)\n    yield 1\ng()\n").is_empty());
        assert_eq!(
            writes("def g():\n    print(1)\n    yield 1\nfor _ in g(): pass\n"),
            ["`_`", "the terminal"]
        );
    }

    #[test]
    fn a_list_that_nobody_else_has_is_its_own() {
        assert_eq!(
            writes("def f():\n    out = []\n    return out\nout = []\nout.append(1)\n"),
            ["the content of `out`"]
        );
        assert_eq!(
            writes("out = []\nkeep(out)\nout.append(1)\n"),
            ["the content of a shared object"]
        );
    }

    #[test]
    fn a_global_changed_by_a_callee_is_seen() {
        assert_eq!(writes("n = 0\ndef f():\n    global n\n    n += 1\nf()\n"), ["`n`"]);
    }
}
