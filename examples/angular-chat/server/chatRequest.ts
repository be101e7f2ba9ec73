import { z } from 'zod';

/** What the page sends: the conversation so far, the question last. Longer ones are refused. */
export const chatRequest = z.object({
  messages: z
    .array(z.object({ role: z.enum(['user', 'assistant']), content: z.string().max(100_000) }))
    .min(1)
    .max(200)
    .refine((messages) => messages.at(-1)?.role === 'user', 'The last message has to be a question'),
});

/** A request of the page. */
export type ChatRequest = z.infer<typeof chatRequest>;
