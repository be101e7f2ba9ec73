import type { Observable, ObservableInput } from 'rxjs';
import type { StreamOperation, TransportOptions, UnaryOperation } from '../transport/MistralTransport.js';
import type * as operations from '../transport/operations/index.js';

type Operation = (typeof operations)[keyof typeof operations];
type OperationNamed<Name extends string> = Extract<Operation, { readonly name: Name }>;

/** The names of all operations, which are the SDK's method paths: `'chat.stream'`, `'chat.complete'`, … */
export type OperationName = Operation['name'];

/** The request that an operation takes. */
export type OperationRequest<Name extends OperationName> = Parameters<OperationNamed<Name>['send']>[1];

/**
 * A response with its head. What it means depends on `status`:
 *
 * - 200 to 299: the answer is `body`, and `headers` reach `onResponse`.
 * - 400 to 599: the call fails with the `RxMistralError` that the real transport makes of such a response; `body` is
 *   the response's text, or an object that is written as JSON.
 */
export interface FakeResponse<Body> {
  readonly status: number;
  /** @defaultValue none */
  readonly headers?: HeadersInit | undefined;
  readonly body?: Body | string | Readonly<Record<string, unknown>> | undefined;
}

/** The answer to one call of a stream: its events, or a response. */
export type StreamAnswer<Ev> = ObservableInput<Ev> | FakeResponse<ObservableInput<Ev>>;

/** The answer to one call that is answered once: the answer as it is, later, or as a response. */
export type UnaryAnswer<Res> = Res | Observable<Res> | PromiseLike<Res> | FakeResponse<Res | Observable<Res> | PromiseLike<Res>>;

/** Makes the answer to a call; `n` counts the calls of this operation from 0. */
export type AnswerFunction<Req, Answer> = (request: Req, n: number, options: TransportOptions) => Answer;

/** What answers the calls of a stream: one answer for every call, a list with one for each, or a function. */
export type StreamScript<Req, Ev> =
  | Observable<Ev>
  | FakeResponse<ObservableInput<Ev>>
  | readonly StreamAnswer<Ev>[]
  | AnswerFunction<Req, StreamAnswer<Ev>>;

/** What answers calls that are answered once: one answer for every call, a list with one for each, or a function. */
export type UnaryScript<Req, Res> = UnaryAnswer<Res> | readonly UnaryAnswer<Res>[] | AnswerFunction<Req, UnaryAnswer<Res>>;

/** What answers the calls of one operation, by its name. */
export type OperationScript<Name extends OperationName> = ScriptOf<OperationNamed<Name>>;

type ScriptOf<Op> =
  Op extends StreamOperation<string, infer Req, infer Ev>
    ? StreamScript<Req, Ev>
    : Op extends UnaryOperation<string, infer Req, infer Res>
      ? UnaryScript<Req, Res>
      : never;

/** What a fake answers, by the name of the operation. */
export type FakeMistralScript = { readonly [Name in OperationName]?: OperationScript<Name> | undefined };
