/* eslint-disable */
import * as types from './graphql.ts';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';

/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "query Devices($status: DeviceStatus) {\n  devices(status: $status) {\n    id\n    deviceIdentifier\n    name\n    status\n    score\n    createdAt\n    meta\n    directory {\n      directoryId\n      directoryName\n      directoryShortName\n      givenName\n      familyName\n    }\n  }\n}\n\nmutation ApproveDevice($deviceIdentifier: ID!) {\n  approveDevice(input: {deviceIdentifier: $deviceIdentifier}) {\n    command {\n      commandId\n      operation\n      status\n      outcome {\n        status\n        reason\n      }\n    }\n    device {\n      deviceIdentifier\n      status\n    }\n    userErrors {\n      field\n      message\n      code\n    }\n  }\n}\n\nmutation ConfigureDevice($input: ConfigureDeviceInput!) {\n  configureDevice(input: $input) {\n    command {\n      commandId\n    }\n    device {\n      name\n      meta\n    }\n    userErrors {\n      field\n      message\n      code\n    }\n  }\n}\n\nmutation RequestDeviceIdentifier($deviceName: String!) {\n  requestDeviceIdentifier(input: {deviceName: $deviceName}) {\n    command {\n      commandId\n      status\n    }\n    deviceIdentifier\n    device {\n      deviceIdentifier\n      name\n      status\n    }\n    userErrors {\n      field\n      message\n      code\n    }\n  }\n}\n\nquery DeviceConfiguration($deviceIdentifier: ID!) {\n  deviceConfiguration(deviceIdentifier: $deviceIdentifier) {\n    deviceIdentifier\n    clientId\n    clientSecret\n    rabbitUser\n    rabbitPass\n    rabbitHost\n    rabbitPort\n    file {\n      name\n      content\n    }\n  }\n}": typeof types.DevicesDocument,
};
const documents: Documents = {
    "query Devices($status: DeviceStatus) {\n  devices(status: $status) {\n    id\n    deviceIdentifier\n    name\n    status\n    score\n    createdAt\n    meta\n    directory {\n      directoryId\n      directoryName\n      directoryShortName\n      givenName\n      familyName\n    }\n  }\n}\n\nmutation ApproveDevice($deviceIdentifier: ID!) {\n  approveDevice(input: {deviceIdentifier: $deviceIdentifier}) {\n    command {\n      commandId\n      operation\n      status\n      outcome {\n        status\n        reason\n      }\n    }\n    device {\n      deviceIdentifier\n      status\n    }\n    userErrors {\n      field\n      message\n      code\n    }\n  }\n}\n\nmutation ConfigureDevice($input: ConfigureDeviceInput!) {\n  configureDevice(input: $input) {\n    command {\n      commandId\n    }\n    device {\n      name\n      meta\n    }\n    userErrors {\n      field\n      message\n      code\n    }\n  }\n}\n\nmutation RequestDeviceIdentifier($deviceName: String!) {\n  requestDeviceIdentifier(input: {deviceName: $deviceName}) {\n    command {\n      commandId\n      status\n    }\n    deviceIdentifier\n    device {\n      deviceIdentifier\n      name\n      status\n    }\n    userErrors {\n      field\n      message\n      code\n    }\n  }\n}\n\nquery DeviceConfiguration($deviceIdentifier: ID!) {\n  deviceConfiguration(deviceIdentifier: $deviceIdentifier) {\n    deviceIdentifier\n    clientId\n    clientSecret\n    rabbitUser\n    rabbitPass\n    rabbitHost\n    rabbitPort\n    file {\n      name\n      content\n    }\n  }\n}": types.DevicesDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 *
 *
 * @example
 * ```ts
 * const query = graphql(`query GetUser($id: ID!) { user(id: $id) { name } }`);
 * ```
 *
 * The query argument is unknown!
 * Please regenerate the types.
 */
export function graphql(source: string): unknown;

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "query Devices($status: DeviceStatus) {\n  devices(status: $status) {\n    id\n    deviceIdentifier\n    name\n    status\n    score\n    createdAt\n    meta\n    directory {\n      directoryId\n      directoryName\n      directoryShortName\n      givenName\n      familyName\n    }\n  }\n}\n\nmutation ApproveDevice($deviceIdentifier: ID!) {\n  approveDevice(input: {deviceIdentifier: $deviceIdentifier}) {\n    command {\n      commandId\n      operation\n      status\n      outcome {\n        status\n        reason\n      }\n    }\n    device {\n      deviceIdentifier\n      status\n    }\n    userErrors {\n      field\n      message\n      code\n    }\n  }\n}\n\nmutation ConfigureDevice($input: ConfigureDeviceInput!) {\n  configureDevice(input: $input) {\n    command {\n      commandId\n    }\n    device {\n      name\n      meta\n    }\n    userErrors {\n      field\n      message\n      code\n    }\n  }\n}\n\nmutation RequestDeviceIdentifier($deviceName: String!) {\n  requestDeviceIdentifier(input: {deviceName: $deviceName}) {\n    command {\n      commandId\n      status\n    }\n    deviceIdentifier\n    device {\n      deviceIdentifier\n      name\n      status\n    }\n    userErrors {\n      field\n      message\n      code\n    }\n  }\n}\n\nquery DeviceConfiguration($deviceIdentifier: ID!) {\n  deviceConfiguration(deviceIdentifier: $deviceIdentifier) {\n    deviceIdentifier\n    clientId\n    clientSecret\n    rabbitUser\n    rabbitPass\n    rabbitHost\n    rabbitPort\n    file {\n      name\n      content\n    }\n  }\n}"): (typeof documents)["query Devices($status: DeviceStatus) {\n  devices(status: $status) {\n    id\n    deviceIdentifier\n    name\n    status\n    score\n    createdAt\n    meta\n    directory {\n      directoryId\n      directoryName\n      directoryShortName\n      givenName\n      familyName\n    }\n  }\n}\n\nmutation ApproveDevice($deviceIdentifier: ID!) {\n  approveDevice(input: {deviceIdentifier: $deviceIdentifier}) {\n    command {\n      commandId\n      operation\n      status\n      outcome {\n        status\n        reason\n      }\n    }\n    device {\n      deviceIdentifier\n      status\n    }\n    userErrors {\n      field\n      message\n      code\n    }\n  }\n}\n\nmutation ConfigureDevice($input: ConfigureDeviceInput!) {\n  configureDevice(input: $input) {\n    command {\n      commandId\n    }\n    device {\n      name\n      meta\n    }\n    userErrors {\n      field\n      message\n      code\n    }\n  }\n}\n\nmutation RequestDeviceIdentifier($deviceName: String!) {\n  requestDeviceIdentifier(input: {deviceName: $deviceName}) {\n    command {\n      commandId\n      status\n    }\n    deviceIdentifier\n    device {\n      deviceIdentifier\n      name\n      status\n    }\n    userErrors {\n      field\n      message\n      code\n    }\n  }\n}\n\nquery DeviceConfiguration($deviceIdentifier: ID!) {\n  deviceConfiguration(deviceIdentifier: $deviceIdentifier) {\n    deviceIdentifier\n    clientId\n    clientSecret\n    rabbitUser\n    rabbitPass\n    rabbitHost\n    rabbitPort\n    file {\n      name\n      content\n    }\n  }\n}"];

export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}

export type DocumentType<TDocumentNode extends DocumentNode<any, any>> = TDocumentNode extends DocumentNode<  infer TType,  any>  ? TType  : never;