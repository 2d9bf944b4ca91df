<?php
// Runs the scenario with PHP's SoapClient: php scenario.php ADDRESS 1.1|1.2 wsdl|no-wsdl
// Prints a line for each step, tab-separated: its name, then the attributes it was answered with.

const NS = 'http://tempuri.org/';
[, $address, $version, $mode] = $argv;
$client = new SoapClient($mode === 'wsdl' ? "$address?WSDL" : null, [
    'soap_version' => $version === '1.2' ? SOAP_1_2 : SOAP_1_1,
    'cache_wsdl' => WSDL_CACHE_NONE,
    'trace' => true,
] + ($mode === 'wsdl' ? [] : ['location' => $address, 'uri' => NS]));

function line(string $step, array $attributes): void
{
    foreach ($attributes as $name => $value) {
        $step .= "\t$name=$value";
    }
    echo $step, "\n";
}

// Debian's php-soap comes without SimpleXML, and a result is a string of XML.
function attributes(string $xml, string $element): array
{
    preg_match("/<$element\b([^>]*)>/", $xml, $tag);
    preg_match_all('/([A-Za-z_]+)="([^"]*)"/', $tag[1], $found);
    return array_diff_key(array_combine($found[1], array_map('html_entity_decode', $found[2])), ['xmlns' => '']);
}

function call(string $operation, array $parameters): string
{
    global $client, $version, $mode;
    if ($mode === 'wsdl') {
        return $client->$operation($parameters)->{"{$operation}Result"}->any;
    }
    $arguments = array_map(fn ($name, $value) => new SoapParam($value, $name), array_keys($parameters), $parameters);
    // Left alone, the client says "http://tempuri.org/#AuthenticateUser", which SOAP 1.1 takes for an unknown action.
    $client->__soapCall($operation, $arguments, $version === '1.1' ? ['soapaction' => NS . $operation] : []);
    return $client->__getLastResponse();
}

function step(string $operation, array $parameters, string $name = ''): array
{
    $attributes = attributes(call($operation, $parameters), 'root');
    line($name ?: $operation, $attributes);
    return $attributes;
}

$login = ['UID' => 'jsmith', 'PWD' => 'Secret123!'];
line('client', ['version' => PHP_VERSION]);
$ticket = step('AuthenticateUser', $login)['ticket'];
step('AuthenticateUser1', $login);
step('isValidTicket', ['AuthenticationTicket' => $ticket]);
step('RenewTicket', $login + ['OldTicket' => $ticket]);
step('CreateTicketforUser', ['TrustedUserPwd' => 'MyServerSecret', 'UserName' => 'jsmith']);
$user = call('GetCurrentUser', ['authenticationTicket' => $ticket]);
foreach (['root' => 'GetCurrentUser', 'User' => 'User', 'Preferences' => 'Preferences'] as $element => $name) {
    line($name, attributes($user, $element));
}
step('LogOut', ['AuthenticationTicket' => $ticket]);
step('isValidTicket', ['AuthenticationTicket' => $ticket], 'dead ticket');
step('AuthenticateUser', ['UID' => 'jsmith', 'PWD' => 'wrong'], 'wrong password');
step('ServerInfo', []);

$client->__setSoapHeaders(new SoapHeader('urn:example', 'Unknown', null, true));
try {
    call('ServerInfo', []);
} catch (SoapFault $fault) {
    $envelope = attributes($client->__getLastResponse(), 'soap:Envelope')['soap'];
    line('fault', [
        'type' => get_class($fault),
        'code' => $fault->faultcode,
        'text' => $fault->faultstring,
        'envelope' => $envelope,
    ]);
}
