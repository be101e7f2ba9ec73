import { AgentRegistry } from './agentRegistry.js';
import { AnswerEngine } from './answerEngine.js';
import { EmbeddingVectors } from './embeddingVectors.js';
import type { ReplyScript } from './reply.js';
import type { Settings } from './settings.js';

/** What endpoints share of a simulator. */
export interface Simulation {
  readonly settings: Settings;
  readonly answers: AnswerEngine;
  readonly agents: AgentRegistry;
  readonly vectors: EmbeddingVectors;
}

export function createSimulation(settings: Settings, script: ReplyScript | undefined): Simulation {
  return {
    settings,
    answers: new AnswerEngine(settings, script),
    agents: new AgentRegistry(settings.seed),
    vectors: new EmbeddingVectors(settings.seed),
  };
}
