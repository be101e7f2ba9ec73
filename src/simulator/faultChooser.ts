import { expectations } from './expectations.js';
import type { FaultCondition, RuleOf, ScriptOf } from './faultRules.js';
import { randomFrom } from './random.js';

/** Decides which faults strike a request, or a job; called once for each, in order. */
export type Chooser<AFault, Subject> = (subject: Subject) => readonly AFault[];

/** What a script is prepared with. */
export interface ChooserContext<AFault> {
  /** The option that the script was given as, for messages. */
  readonly name: string;
  /** A key of chance. */
  readonly key: string;
  readonly seed: number | string;
  /** Throws where a fault cannot be meant. */
  readonly check: (name: string, fault: AFault) => void;
}

interface AnyFault {
  readonly kind: string;
}

/** Prepares a script; what it needs of memory are counters. */
export function chooser<AFault extends AnyFault, Subject>(
  script: ScriptOf<AFault, Subject> | undefined,
  context: ChooserContext<AFault>,
): Chooser<AFault, Subject> {
  if (script === undefined) return () => [];
  let n = -1;
  if (typeof script === 'function') {
    return (subject) => {
      n += 1;
      const chosen = asList(script(subject, n) ?? []);
      chosen.forEach((fault, i) => {
        context.check(`${context.name}(…, ${n})[${i}]`, fault);
      });
      return chosen;
    };
  }

  const rules = asList(script).map((rule, i) => prepare(rule, i, context));
  return (subject) => {
    n += 1;
    return rules.flatMap((rule) => rule(subject, n));
  };
}

function prepare<AFault extends AnyFault, Subject>(
  rule: RuleOf<AFault, Subject>,
  position: number,
  context: ChooserContext<AFault>,
): (subject: Subject, n: number) => readonly AFault[] {
  const name = `${context.name}[${position}]`;
  expectations.object(name, rule);
  const { on, times = Infinity, probability = 1 } = rule;
  if (rule.times !== undefined) expectations.integer(`${name}.times`, times, 0);
  expectations.number(`${name}.probability`, probability, 0, 1);
  const faults = isGroup(rule) ? asList(rule.fault) : [rule];
  for (const fault of faults) context.check(name, fault);

  let struck = 0;
  return (subject, n) => {
    if (struck >= times || !matches(on, subject, n)) return [];
    if (probability < 1 && !randomFrom(context.seed, context.key, position, n).chance(probability)) return [];
    struck += 1;
    return faults;
  };
}

function isGroup<AFault extends AnyFault>(
  rule: AFault | { readonly kind?: undefined; readonly fault: AFault | readonly AFault[] },
): rule is { readonly kind?: undefined; readonly fault: AFault | readonly AFault[] } {
  return rule.kind === undefined;
}

function matches<Subject>(on: FaultCondition<Subject>['on'], subject: Subject, n: number): boolean {
  if (on === undefined) return true;
  if (typeof on === 'function') return on(subject, n);
  return asList(on).includes(n);
}

function asList<Value>(value: Value | readonly Value[]): readonly Value[] {
  return Array.isArray(value) ? (value as readonly Value[]) : [value as Value];
}
