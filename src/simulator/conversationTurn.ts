import type { Agent } from './agentRegistry.js';
import { answerKey, splitPrefix, usageOf } from './completion.js';
import { messagesOf, type Entry } from './conversationEntry.js';
import type { CallStyle, Output, Speaker } from './conversationOutput.js';
import type { ConversationDefinition } from './conversationRegistry.js';
import { proseTokens } from './answerText.js';
import { draftFromReply, draftFromSeed, type Draft, type DraftTask } from './draft.js';
import type { Fields } from './fieldChecks.js';
import { randomFrom } from './random.js';
import type { AnswerReply, CompletionBody, Message, Usage } from './reply.js';
import { serverToolArguments, serverToolChunks, serverToolsIn } from './serverTools.js';
import type { Settings } from './settings.js';
import { resolveStyle, toolCallId } from './toolCalls.js';

/** What a turn is made from. */
export interface TurnTask {
  readonly definition: ConversationDefinition;
  /** All entries, the turn's inputs at their end. */
  readonly entries: readonly Entry[];
  /** Calls that a person has allowed just now. */
  readonly allowed: readonly Entry[];
  /** What the request itself says: `completion_args`, `handoff_execution`, `stream`. */
  readonly request: Fields;
  readonly settings: Settings;
  readonly findAgent: (id: string) => Agent | undefined;
}

export interface Turn {
  readonly outputs: readonly Output[];
  readonly usage: Usage | null;
  readonly tokens: number;
  readonly ending: 'done' | 'none' | { readonly message: string; readonly code: number };
}

/** What an answer of the server's own tools costs, each. */
const tokensPerServerTool = 240;

/** The request as one of chat completions, as whoever has the word now would get it. */
export function chatBody(task: Omit<TurnTask, 'allowed'>): CompletionBody {
  return bodyOf(task, speakerOf(task));
}

/** The model's turn: seeded, or as the reply says. Both hand over first, then let the server's tools run, then speak, then call. */
export function makeTurn(task: TurnTask, reply: AnswerReply | undefined): Turn {
  return new TurnMaker(task).make(reply);
}

class TurnMaker {
  readonly #task: TurnTask;
  readonly #outputs: Output[] = [];
  readonly #ranTools: string[] = [];
  #speaker: Speaker;

  constructor(task: TurnTask) {
    this.#task = task;
    this.#speaker = speakerOf(task);
  }

  make(reply: AnswerReply | undefined): Turn {
    this.#runAllowed();
    return reply === undefined ? this.#seeded() : this.#scripted(reply);
  }

  #seeded(): Turn {
    // What happens by itself happens once, at a person's message: results and decisions are answered in text.
    const isAsked = this.#task.entries.at(-1)?.type === 'message.input';
    const next = isAsked ? this.#candidates()[0] : undefined;
    if (next !== undefined) {
      this.#handOver(next);
      // The client is to go on with the other agent.
      if (this.#task.request['handoff_execution'] === 'client') return this.#finished(undefined, 'done');
    }
    const drafting = this.#drafting();
    const [tool] = isAsked ? serverToolsIn(drafting.body['tools']) : [];
    if (tool !== undefined) {
      const random = randomFrom(this.#task.settings.seed, drafting.key, 'server tool');
      const argumentsText = serverToolArguments(tool.name, random);
      if (tool.needsConfirmation) {
        const call = { id: toolCallId(random), name: tool.name, argumentsText };
        this.#outputs.push({ kind: 'call', speaker: this.#speaker, call, needsConfirmation: true, style: this.#style(undefined, 1, drafting.key) });
        return this.#finished(undefined, 'done', drafting.body);
      }
      this.#runTool(tool.name, argumentsText, undefined, this.#style(undefined, 1, drafting.key));
    }
    const draft = draftFromSeed(drafting);
    const random = randomFrom(this.#task.settings.seed, drafting.key, 'references');
    const references = draft.toolCalls.length > 0 ? [] : this.#ranTools.flatMap((name) => serverToolChunks(name, random));
    this.#speak({ ...draft, content: references.length > 0 ? [...draft.content, references] : draft.content }, undefined, drafting.key);
    return this.#finished(draft, 'done', drafting.body);
  }

  #scripted(reply: AnswerReply): Turn {
    for (const id of reply.handoffs ?? []) this.#handOver(this.#speakerNamed(id));
    const drafting = this.#drafting();
    for (const { name, arguments: given = {}, info } of reply.serverTools ?? []) {
      this.#runTool(name, typeof given === 'string' ? given : JSON.stringify(given), info, this.#style(reply, 1, drafting.key));
    }
    const draft = draftFromReply(drafting, reply);
    this.#speak(draft, reply, drafting.key);
    if (reply.error !== undefined || draft.finishReason === 'error') {
      return this.#finished(draft, { message: reply.error?.message ?? 'Internal server error', code: reply.error?.code ?? 500 }, drafting.body);
    }
    const turn = this.#finished(draft, draft.finishReason === null ? 'none' : 'done', drafting.body);
    return reply.usage === undefined ? turn : { ...turn, usage: reply.usage };
  }

  /** Calls of the server's tools that waited for a decision. */
  #runAllowed(): void {
    for (const entry of this.#task.allowed) {
      const given = entry['arguments'];
      const text = typeof given === 'string' ? given : JSON.stringify(given);
      this.#runTool(String(entry['name']), text, undefined, this.#style(undefined, 1, String(entry['tool_call_id'])));
    }
  }

  #handOver(next: Speaker): void {
    this.#outputs.push({ kind: 'handoff', previous: this.#speaker, next });
    this.#speaker = next;
  }

  #runTool(name: string, argumentsText: string, info: Fields | undefined, style: CallStyle): void {
    this.#ranTools.push(name);
    this.#outputs.push({ kind: 'tool', speaker: this.#speaker, name, argumentsText, info, style });
  }

  #speak({ content, toolCalls, style }: Draft, reply: AnswerReply | undefined, key: string): void {
    const speaker = this.#speaker;
    if (content.length > 0 || (toolCalls.length === 0 && this.#outputs.length === 0)) this.#outputs.push({ kind: 'message', speaker, content });
    for (const [i, call] of toolCalls.entries()) {
      const needsConfirmation = reply?.toolCalls?.[i]?.needsConfirmation === true;
      const { givenLaterId } = this.#style(reply, toolCalls.length, key);
      this.#outputs.push({ kind: 'call', speaker, call, needsConfirmation, style: { ...style, givenLaterId } });
    }
  }

  #finished(draft: Draft | undefined, ending: Turn['ending'], body = bodyOf(this.#task, this.#speaker)): Turn {
    const counted = usageOf(body, draft ? [draft] : []);
    if (this.#ranTools.length === 0) return { outputs: this.#outputs, usage: counted, tokens: counted.total_tokens, ending };
    const connector_tokens = tokensPerServerTool * this.#ranTools.length;
    const total_tokens = counted.total_tokens + connector_tokens;
    const connectors: Record<string, number> = {};
    for (const name of this.#ranTools) connectors[name] = (connectors[name] ?? 0) + 1;
    return { outputs: this.#outputs, usage: { ...counted, total_tokens, connector_tokens, connectors }, tokens: total_tokens, ending };
  }

  #drafting(): DraftTask {
    const body = bodyOf(this.#task, this.#speaker);
    const { messages, prefix } = splitPrefix(body.messages ?? []);
    return { body, messages, prefix, key: answerKey(body, messages), choice: 0, settings: this.#task.settings, write: proseTokens };
  }

  #style(reply: AnswerReply | undefined, calls: number, key: string): CallStyle {
    const style = { ...this.#task.settings.toolCallStyle, ...reply?.toolCallStyle };
    return { ...resolveStyle(style, calls, randomFrom(this.#task.settings.seed, key, 0, 'tool call style')), givenLaterId: style.laterId };
  }

  /** The agents that are there to take over. */
  #candidates(): readonly Speaker[] {
    const agent = this.#speaker.id === null ? undefined : this.#task.findAgent(this.#speaker.id);
    return (agent?.handoffs ?? []).filter((id) => this.#task.findAgent(id)).map((id) => this.#speakerNamed(id));
  }

  #speakerNamed(id: string): Speaker {
    return agentSpeaker(id, this.#task.findAgent(id));
  }
}

/** Who has the word: the agent that was handed over to last, or whom the conversation began with. */
function speakerOf({ definition, entries, findAgent }: Pick<TurnTask, 'definition' | 'entries' | 'findAgent'>): Speaker {
  const handoff = entries.findLast(({ type }) => type === 'agent.handoff');
  const id = typeof handoff?.['next_agent_id'] === 'string' ? handoff['next_agent_id'] : definition.agent_id;
  if (id === undefined || id === null) return { id: null, name: '', model: definition.model ?? defaultModel };
  return agentSpeaker(id, findAgent(id));
}

// As the completions of agents have it.
const defaultModel = 'mistral-medium-latest';

/** Agents that nobody has created answer too, as a model alone does. */
function agentSpeaker(id: string, agent: Agent | undefined): Speaker {
  return { id, name: agent?.name ?? id, model: agent?.model ?? defaultModel };
}

function bodyOf({ definition, entries, request, findAgent }: Omit<TurnTask, 'allowed'>, speaker: Speaker): CompletionBody {
  const agent = speaker.id === null ? undefined : findAgent(speaker.id);
  // What the conversation was begun with is for the agent that it was begun with.
  const own = speaker.id === null || speaker.id === definition.agent_id ? definition : {};
  const tools = own.tools ?? agent?.tools ?? [];
  const instructions = own.instructions ?? agent?.instructions;
  const system: readonly Message[] = instructions ? [{ role: 'system', content: instructions }] : [];
  const asked = { ...agent?.completion_args, ...own.completion_args, ...(request['completion_args'] as Fields | null | undefined) };
  return {
    ...Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== null)),
    ...(tools.length > 0 && { tools }),
    ...(speaker.id !== null && { agent_id: speaker.id }),
    messages: [...system, ...messagesOf(entries)],
    model: speaker.model,
    stream: request['stream'] === true,
  };
}
