<?php
// Runs the scenario with PHP's SoapClient, made from the WSDL: php scenario.php ADDRESS 1.1|1.2
// Prints a line for each step, tab-separated: its name, then the attributes it was answered with.

[, $address, $version] = $argv;
$client = new SoapClient("$address?WSDL", [
    'soap_version' => $version === '1.2' ? SOAP_1_2 : SOAP_1_1,
    'cache_wsdl' => WSDL_CACHE_NONE,
    'trace' => true,
]);

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
    global $client;
    return $client->$operation($parameters)->{"{$operation}Result"}->any;
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
    $client->ServerInfo();
} catch (SoapFault $fault) {
    $envelope = attributes($client->__getLastResponse(), 'soap:Envelope')['soap'];
    line('fault', [
        'type' => get_class($fault),
        'code' => $fault->faultcode,
        'text' => $fault->faultstring,
        'envelope' => $envelope,
    ]);
}
