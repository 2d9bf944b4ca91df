import java.net.URL;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import javax.xml.namespace.QName;
import javax.xml.soap.SOAPException;
import javax.xml.ws.Binding;
import javax.xml.ws.BindingProvider;
import javax.xml.ws.WebServiceException;
import javax.xml.ws.handler.Handler;
import javax.xml.ws.handler.MessageContext;
import javax.xml.ws.handler.soap.SOAPHandler;
import javax.xml.ws.handler.soap.SOAPMessageContext;
import javax.xml.ws.soap.SOAPFaultException;
import org.tempuri.Srv;
import org.tempuri.SrvSoap;
import org.w3c.dom.Element;
import org.w3c.dom.NamedNodeMap;

/**
 * Runs the scenario with JAX-WS and the classes that wsimport made from the WSDL: java Scenario ADDRESS 1.1|1.2
 *
 * <p>Prints a line for each step, tab-separated: its name, then the attributes it was answered with.
 */
public final class Scenario {
    public static void main(String[] arguments) throws Exception {
        Srv service = new Srv(new URL(arguments[0] + "?WSDL"));
        SrvSoap port = arguments[1].equals("1.2") ? service.getSrvSoap12() : service.getSrvSoap();

        String runtime = ((BindingProvider) port).getBinding().getClass().getPackage().getImplementationVersion();
        System.out.println("client\tversion=" + runtime + ", Java " + System.getProperty("java.version"));
        Element session = step("AuthenticateUser", port.authenticateUser("jsmith", "Secret123!").getContent());
        String ticket = session.getAttribute("ticket");
        step("AuthenticateUser1", port.authenticateUser1("jsmith", "Secret123!", null).getContent());
        step("isValidTicket", port.isValidTicket(ticket).getContent());
        step("RenewTicket", port.renewTicket("jsmith", "Secret123!", null, ticket).getContent());
        step("CreateTicketforUser", port.createTicketforUser("MyServerSecret", "jsmith").getContent());
        Element root = step("GetCurrentUser", port.getCurrentUser(ticket).getContent());
        Element user = (Element) root.getElementsByTagName("User").item(0);
        line("User", user);
        line("Preferences", (Element) user.getElementsByTagName("Preferences").item(0));
        step("LogOut", port.logOut(ticket).getContent());
        step("dead ticket", port.isValidTicket(ticket).getContent());
        step("wrong password", port.authenticateUser("jsmith", "wrong").getContent());
        step("ServerInfo", port.serverInfo().getContent());
        fault(port);
    }

    private static void fault(SrvSoap port) {
        Binding binding = ((BindingProvider) port).getBinding();
        binding.setHandlerChain(Collections.<Handler>singletonList(new UnknownHeader()));
        try {
            port.serverInfo();
        } catch (SOAPFaultException thrown) {
            QName code = thrown.getFault().getFaultCodeAsQName();
            System.out.println(String.join("\t", "fault", "type=SOAPFaultException", "code=" + code.getLocalPart(),
                    "text=" + thrown.getFault().getFaultString(), "envelope=" + code.getNamespaceURI()));
        }
    }

    private static Element step(String name, List<Object> content) {
        Element root = (Element) content.get(0);
        line(name, root);
        return root;
    }

    private static void line(String step, Element element) {
        StringBuilder line = new StringBuilder(step);
        NamedNodeMap attributes = element.getAttributes();
        for (int i = 0; i < attributes.getLength(); i++) {
            String name = attributes.item(i).getNodeName();
            if (!name.startsWith("xmlns")) {
                line.append('\t').append(name).append('=').append(attributes.item(i).getNodeValue());
            }
        }
        System.out.println(line);
    }

    /** Puts a header that no server knows, and must understand, into every request. */
    private static final class UnknownHeader implements SOAPHandler<SOAPMessageContext> {
        @Override
        public boolean handleMessage(SOAPMessageContext context) {
            if (Boolean.TRUE.equals(context.get(MessageContext.MESSAGE_OUTBOUND_PROPERTY))) {
                try {
                    QName name = new QName("urn:example", "Unknown", "u");
                    var envelope = context.getMessage().getSOAPPart().getEnvelope();
                    var header = envelope.getHeader() == null ? envelope.addHeader() : envelope.getHeader();
                    header.addHeaderElement(name).setMustUnderstand(true);
                } catch (SOAPException impossible) {
                    throw new WebServiceException(impossible);
                }
            }
            return true;
        }

        @Override
        public boolean handleFault(SOAPMessageContext context) {
            return true;
        }

        @Override
        public void close(MessageContext context) {}

        @Override
        public Set<QName> getHeaders() {
            return Collections.emptySet();
        }
    }
}
