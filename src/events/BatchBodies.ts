/**
 * The bodies of batch results, as the API gives them: wire JSON, snake_case, like the bodies of the requests. What the
 * endpoints are known to send; there may be more.
 */

/** Tokens of a request and its answer. */
export interface BatchUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** An answer of chat or of fill-in-the-middle. */
export interface BatchCompletion {
  readonly id: string;
  readonly object: string;
  readonly created: number;
  readonly model: string;
  readonly choices: readonly {
    readonly index: number;
    readonly finish_reason: string;
    readonly message: {
      readonly role: string;
      readonly content?: string | readonly Readonly<Record<string, unknown>>[] | null;
      readonly tool_calls?:
        | readonly {
            readonly id?: string;
            readonly type?: string;
            readonly function: { readonly name: string; readonly arguments: string | Readonly<Record<string, unknown>> };
          }[]
        | null;
    };
  }[];
  readonly usage: BatchUsage;
}

/** The vectors of texts. */
export interface BatchEmbeddings {
  readonly id: string;
  readonly object: string;
  readonly model: string;
  readonly data: readonly { readonly index: number; readonly embedding: readonly number[] }[];
  readonly usage: BatchUsage;
}

/** The categories of texts or chats. */
export interface BatchModerations {
  readonly id: string;
  readonly model: string;
  readonly results: readonly {
    readonly categories: Readonly<Record<string, boolean>>;
    readonly category_scores: Readonly<Record<string, number>>;
  }[];
}

/** The scores of texts or chats, by target. */
export interface BatchClassifications {
  readonly id: string;
  readonly model: string;
  readonly results: readonly Readonly<Record<string, { readonly scores: Readonly<Record<string, number>> }>>[];
}

/** The pages of a document. */
export interface BatchOcr {
  readonly model: string;
  readonly pages: readonly { readonly index: number; readonly markdown: string }[];
  readonly usage_info: { readonly pages_processed: number };
}

/** The text of a recording. */
export interface BatchTranscription {
  readonly model: string;
  readonly text: string;
  readonly language?: string | null;
  readonly usage: BatchUsage;
}

/** The endpoints that batch jobs can be made for, with the body of a result of each. */
export interface BatchBodies {
  readonly '/v1/chat/completions': BatchCompletion;
  readonly '/v1/fim/completions': BatchCompletion;
  readonly '/v1/embeddings': BatchEmbeddings;
  readonly '/v1/moderations': BatchModerations;
  readonly '/v1/chat/moderations': BatchModerations;
  readonly '/v1/ocr': BatchOcr;
  readonly '/v1/classifications': BatchClassifications;
  readonly '/v1/chat/classifications': BatchClassifications;
  readonly '/v1/conversations': Readonly<Record<string, unknown>>;
  readonly '/v1/audio/transcriptions': BatchTranscription;
}

/** An endpoint that batch jobs can be made for. */
export type BatchEndpoint = keyof BatchBodies;
