import { from, type ObservableInput } from 'rxjs';
import { fail } from '../errors/expect.js';

/** Throws unless `value` can be subscribed to; nothing is, here. */
export function expectInput(name: string, value: unknown, expectation: string): void {
  try {
    void from(value as ObservableInput<unknown>);
  } catch {
    fail(name, expectation, value);
  }
}
