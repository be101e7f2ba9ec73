import type { Agent } from '@mistralai/mistralai/models/components/agent.js';
import type { CreateAgentRequest } from '@mistralai/mistralai/models/components/createagentrequest.js';
import type { AgentsApiV1AgentsListPagesRequest } from '@mistralai/mistralai/models/operations/agentsapiv1agentslistpages.js';
import type { FunctionTool } from '@mistralai/mistralai/models/components/functiontool.js';
import { map, type Observable, of } from 'rxjs';
import { describe, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import {
  type AgentDefinition,
  type AgentEvent,
  agentTurn,
  type AgentTurnRequest,
  type CallOptions,
  type Conversation,
  conversation,
  conversationTurn,
  type Decisions,
  ensureAgent,
  functionTools,
  listAgents,
  type ListAgentsRequest,
  type MistralClient,
  type PendingTurn,
  resumeTurn,
  type StandardSchemaV1,
  type Tool,
  tool,
  type ToolContext,
  type TurnOptions,
} from '../../src/index.js';

describe('ensureAgent', () => {
  it('takes a definition and emits an agent', () => {
    expectTypeOf(ensureAgent).parameters.toEqualTypeOf<[client: MistralClient, definition: AgentDefinition, options?: CallOptions | undefined]>();
    expectTypeOf(ensureAgent).returns.toEqualTypeOf<Observable<Agent>>();
  });

  it('takes all that an agent is created from, but the message of a version', () => {
    expectTypeOf<keyof AgentDefinition>().toEqualTypeOf<Exclude<keyof CreateAgentRequest, 'versionMessage'>>();
    expectTypeOf<Omit<CreateAgentRequest, 'versionMessage'>>().toExtend<AgentDefinition>();
    expectTypeOf<AgentDefinition>().toExtend<CreateAgentRequest>();
    expectTypeOf<{ name: string; model: string } & Record<Exclude<keyof AgentDefinition, 'name' | 'model'>, undefined>>().toExtend<AgentDefinition>();
  });

  it('wants a name and a model', () => {
    // @ts-expect-error it has no name
    const nameless: AgentDefinition = { model: 'any' };
    // @ts-expect-error it has no model
    const modelless: AgentDefinition = { name: 'any' };
    expectTypeOf([nameless, modelless]).toEqualTypeOf<AgentDefinition[]>();
  });
});

describe('listAgents', () => {
  it('takes the request of the SDK, and emits agents', () => {
    expectTypeOf<ListAgentsRequest>().toEqualTypeOf<AgentsApiV1AgentsListPagesRequest>();
    expectTypeOf(listAgents).parameters.toEqualTypeOf<[client: MistralClient, request?: ListAgentsRequest | undefined, options?: CallOptions | undefined]>();
    expectTypeOf(listAgents).returns.toEqualTypeOf<Observable<Agent>>();
  });
});

declare const client: MistralClient;
declare const request: AgentTurnRequest;
declare const pending: PendingTurn;

const weather = tool({
  name: 'weather',
  parameters: z.object({ city: z.string(), days: z.string().default('1').transform(Number) }),
  execute: ({ city }) => Promise.resolve({ city, celsius: 21 }),
});
const clock = tool({ name: 'clock', parameters: { type: 'object' }, execute: () => of(1, 2) });
const tools = [weather, clock];

type Results<Event> = Event extends { readonly type: 'tool-result'; readonly name: infer Name; readonly result: infer Result } ? [Name, Result] : never;

describe("execute's arguments", () => {
  it('are what a zod schema makes of them', () => {
    tool({
      name: 'a',
      parameters: z.object({ city: z.string(), days: z.string().default('1').transform(Number), unit: z.enum(['C', 'F']).optional() }),
      execute: (args, context) => {
        expectTypeOf(args).toEqualTypeOf<{ city: string; days: number; unit?: 'C' | 'F' | undefined }>();
        expectTypeOf(context).toEqualTypeOf<ToolContext>();
      },
      needsApproval: ({ days }) => {
        expectTypeOf(days).toEqualTypeOf<number>();
        return days > 3;
      },
    });
  });

  it('are what any Standard Schema makes of them', () => {
    const parameters = {} as StandardSchemaV1<{ at: string }, { at: Date }>;
    tool({
      name: 'a',
      parameters,
      jsonSchema: { type: 'object' },
      execute: (args) => {
        expectTypeOf(args).toEqualTypeOf<{ at: Date }>();
      },
    });
  });

  it('of a plain JSON schema are an object that nobody has checked', () => {
    tool({
      name: 'a',
      parameters: { type: 'object', properties: { city: { type: 'string' } } },
      execute: (args) => {
        expectTypeOf(args).toEqualTypeOf<Readonly<Record<string, unknown>>>();
        // @ts-expect-error -- it may be anything
        args['city'] satisfies string;
      },
    });
  });

  it('are held to: a tool of other arguments is none', () => {
    // @ts-expect-error -- the schema has no town
    tool({ name: 'a', parameters: z.object({ city: z.string() }), execute: ({ town }) => String(town) });
  });
});

describe('a tool', () => {
  it('has its name, arguments and result', () => {
    expectTypeOf(weather).toEqualTypeOf<Tool<'weather', { city: string; days: number }, { city: string; celsius: number }>>();
  });

  it('results in what comes out of a Promise, or last out of a stream; strings and arrays are results', () => {
    const resultOf = <Result>(_tool: Tool<string, Readonly<Record<string, unknown>>, Result>): Result => undefined as Result;
    const parameters = { type: 'object' };
    expectTypeOf(resultOf(tool({ name: 'a', parameters, execute: () => Promise.resolve(1) }))).toEqualTypeOf<number>();
    expectTypeOf(resultOf(tool({ name: 'a', parameters, execute: () => of('a') }))).toEqualTypeOf<string>();
    expectTypeOf(resultOf(tool({ name: 'a', parameters, execute: async function* () { yield await Promise.resolve(true); } }))).toEqualTypeOf<boolean>();
    expectTypeOf(resultOf(tool({ name: 'a', parameters, execute: () => ['a'] }))).toEqualTypeOf<string[]>();
    expectTypeOf(resultOf(tool({ name: 'a', parameters, execute: () => 'text' }))).toEqualTypeOf<string>();
  });

  it('of any kind is told as a function of the SDK, and fits a definition', () => {
    expectTypeOf(functionTools(tools)).toExtend<FunctionTool[]>();
    expectTypeOf(ensureAgent(client, { name: 'a', model: 'm', tools: functionTools([weather, clock]) })).toEqualTypeOf<Observable<Agent>>();
  });
});

describe('the events of a turn', () => {
  type WithTools = ['weather', { city: string; celsius: number }] | ['clock', number];

  it('have results by the names of the tools, whatever the turn is begun with', () => {
    type Events = Observable<AgentEvent<(typeof tools)[number]>>;
    expectTypeOf(agentTurn(client, request, { tools })).toEqualTypeOf<Events>();
    expectTypeOf(conversationTurn(client, { model: 'm', inputs: 'x' }, { tools })).toEqualTypeOf<Events>();
    expectTypeOf(resumeTurn(client, pending, {}, { tools })).toEqualTypeOf<Events>();
    expectTypeOf(conversation(client, { model: 'm', tools }).send('x')).toEqualTypeOf<Events>();
    expectTypeOf<Results<AgentEvent<(typeof tools)[number]>>>().toEqualTypeOf<WithTools>();
  });

  it('are narrowed by the name', () => {
    const told = agentTurn(client, request, { tools }).pipe(
      map((event) => {
        if (event.type !== 'tool-result') return;
        if (event.name === 'weather') expectTypeOf(event.result.celsius).toEqualTypeOf<number>();
        else expectTypeOf(event.result).toEqualTypeOf<number>();
      }),
    );
    expectTypeOf(told).toEqualTypeOf<Observable<void>>();
  });

  it('have no results where there are no tools', () => {
    expectTypeOf(agentTurn(client, request)).toEqualTypeOf<Observable<AgentEvent<never>>>();
    expectTypeOf(conversation(client, { model: 'm' })).toEqualTypeOf<Conversation<never>>();
    expectTypeOf<Extract<AgentEvent<never>, { readonly type: 'tool-result' | 'tool-progress' }>>().toBeNever();
  });

  it('of any tools are those of these tools', () => {
    expectTypeOf<AgentEvent<(typeof tools)[number]>>().toExtend<AgentEvent>();
    expectTypeOf<TurnOptions<typeof weather>>().toExtend<TurnOptions>();
  });
});

describe('the state of a turn that waits', () => {
  /** What of a type would not come back from JSON. */
  type NotJson<T> = unknown extends T
    ? never
    : T extends string | number | boolean | null | undefined
      ? never
      : T extends readonly (infer Item)[]
        ? NotJson<Item>
        : T extends ((...args: never[]) => unknown) | Date | bigint | symbol | ReadonlyMap<unknown, unknown> | ReadonlySet<unknown> | Uint8Array
          ? T
          : { [Key in keyof T]-?: NotJson<T[Key]> }[keyof T];

  it('is plain JSON', () => {
    expectTypeOf<NotJson<{ a: readonly { b?: Date }[] }>>().toEqualTypeOf<Date>();
    expectTypeOf<NotJson<{ a: () => void }>>().toEqualTypeOf<() => void>();
    expectTypeOf<NotJson<PendingTurn>>().toBeNever();
  });

  it('is told apart by where the history is', () => {
    if (pending.kind === 'conversation') expectTypeOf(pending.conversationId).toEqualTypeOf<string>();
    // @ts-expect-error -- a turn on completions has none
    else pending.conversationId satisfies string;
  });

  it('takes decisions alone or with a reason', () => {
    expectTypeOf(resumeTurn).parameter(2).toEqualTypeOf<Decisions>();
    expectTypeOf<{ a: 'allow'; b: { decision: 'deny'; reason: 'too much' } }>().toExtend<Decisions>();
    expectTypeOf<{ a: 'maybe' }>().not.toExtend<Decisions>();
  });
});
