/**
 * A program as it runs on an instance of the fleet s3-read-only: written against the AWS SDK, with no key, profile or
 * setting of credentials. The SDK finds them in the instance's metadata service and renews them by itself.
 *
 *     node on-instance.ts BUCKET
 *
 * Lists the bucket, reads an object, sees that writing is refused, and goes on until its credentials have been rotated.
 * Exits 0 when all of that is as it should be.
 */

import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';

const [bucket] = process.argv.slice(2);
const s3 = new S3Client({ region: process.env.AWS_REGION ?? 'us-east-1' });

const first = await keyInUse();
console.log(`credentials found, of key ${first}`);

const objects = await list();
console.log(`listed s3://${bucket}: ${objects.join(', ')}`);

const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: objects[0] }));
console.log(`read ${objects[0]}: ${await Body!.transformToString()}`);

console.log(`wrote nothing: ${await refusalOfWriting()}`);

const second = await keyAfterRotation(first);
console.log(`credentials rotated, to key ${second}`);
console.log(`listed s3://${bucket} again: ${(await list()).join(', ')}`);

async function list(): Promise<string[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket }));
  return Contents.map(({ Key }) => Key!);
}

async function refusalOfWriting(): Promise<string> {
  try {
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'mine.txt', Body: 'x' }));
  } catch (error) {
    if ((error as Error).name === 'AccessDenied') return 'AccessDenied';
    throw error;
  }
  throw new Error('wrote an object that it must not write');
}

/** EC2 rotates hours apart, the sandbox within seconds; the SDK looks by itself when the old ones near their end. */
async function keyAfterRotation(before: string): Promise<string> {
  for (;;) {
    await list();
    const key = await keyInUse();
    if (key !== before) return key;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** The last four characters of the access key id. */
async function keyInUse(): Promise<string> {
  const { accessKeyId } = await s3.config.credentials();
  return `…${accessKeyId.slice(-4)}`;
}
