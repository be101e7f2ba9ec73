import { AgentRegistry } from './agentRegistry.js';
import { AnswerEngine, type Answers } from './answerEngine.js';
import { BatchRegistry } from './batchRegistry.js';
import { ConversationRegistry } from './conversationRegistry.js';
import { EmbeddingVectors } from './embeddingVectors.js';
import { FileRegistry } from './fileRegistry.js';
import type { SimulatorOptions } from './options.js';
import type { Settings } from './settings.js';

/** What endpoints share of a simulator. */
export interface Simulation {
  readonly settings: Settings;
  readonly answers: Answers;
  readonly agents: AgentRegistry;
  readonly conversations: ConversationRegistry;
  readonly vectors: EmbeddingVectors;
  readonly files: FileRegistry;
  readonly batch: BatchRegistry;
}

export function createSimulation(
  settings: Settings,
  { reply, batch, conversations }: Pick<SimulatorOptions, 'reply' | 'batch' | 'conversations'>,
): Simulation & { readonly answers: AnswerEngine } {
  const files = new FileRegistry(settings.seed);
  return {
    settings,
    answers: new AnswerEngine(settings, reply),
    agents: new AgentRegistry(settings.seed),
    conversations: new ConversationRegistry(conversations, settings.seed),
    vectors: new EmbeddingVectors(settings.seed),
    files,
    batch: new BatchRegistry(batch, settings.seed, files),
  };
}
