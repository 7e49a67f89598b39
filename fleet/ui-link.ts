/** Where runs and schedules are seen in Temporal's web UI. */

/** The UI's address: as told, or guessed where it is certain enough. */
export function uiBase(told: string | undefined, address: string): string | undefined {
  if (told) return told.replace(/\/+$/, '');
  const [host = '', port] = address.split(':');
  if (host.endsWith('.tmprl.cloud') || host.endsWith('.api.temporal.io')) return 'https://cloud.temporal.io';
  // Temporal's development server puts its UI a thousand ports above itself.
  if (/^(localhost|127\.\d+\.\d+\.\d+)$/.test(host)) return `http://${host}:${Number(port ?? 7233) + 1000}`;
  return undefined;
}

export function runLink(
  base: string | undefined,
  namespace: string,
  workflowId: string,
  runId: string,
): string | undefined {
  if (base === undefined) return undefined;
  return `${base}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}/${runId}`;
}

export function scheduleLink(base: string | undefined, namespace: string, id: string): string | undefined {
  if (base === undefined) return undefined;
  return `${base}/namespaces/${encodeURIComponent(namespace)}/schedules/${encodeURIComponent(id)}`;
}
