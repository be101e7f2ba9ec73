import express, { type Router } from 'express';
import { isRxMistralError } from 'rxmistral';
import { verifyWebhook, type WebhookSecret } from 'rxmistral/node';

const maxRemembered = 10_000;

/**
 * The other side of the webhooks, as whoever ordered a job would have it: `POST /hook` believes what is signed, and hears of
 * each webhook once, however often it is delivered.
 */
export function webhookReceiver(secret: WebhookSecret | readonly WebhookSecret[], onWebhook: (payload: unknown, id: string) => void): Router {
  const seen = new Set<string>();
  const router = express.Router();
  // The raw body: what was parsed and written again is no longer what was signed.
  router.post('/hook', express.raw({ type: '*/*', limit: '1mb' }), async (request, response) => {
    try {
      const webhook = await verifyWebhook({ headers: request.headers, body: (request.body as Buffer | undefined) ?? '' }, secret);
      if (!seen.has(webhook.id)) {
        onWebhook(webhook.json(), webhook.id);
        seen.add(webhook.id);
        for (const oldest of seen) if (seen.size > maxRemembered) seen.delete(oldest);
      }
      response.status(204).end();
    } catch (error) {
      if (!isRxMistralError(error)) throw error;
      response.status(400).json({ message: error.code ?? error.kind });
    }
  });
  return router;
}
